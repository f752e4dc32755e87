#include "tools/utf8.h"

#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

TEST(Utf8Test, AcceptsEveryLength) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain"));
  EXPECT_TRUE(is_utf8("caf\xc3\xa9"));
  EXPECT_TRUE(is_utf8("\xe2\x82\xac"));
  EXPECT_TRUE(is_utf8("\xf0\x9f\x8c\x8b"));
  EXPECT_EQ(utf8_length("\xe2\x82\xac!"), 3U);
}

TEST(Utf8Test, RefusesWhatRfc3629Forbids) {
  EXPECT_FALSE(is_utf8("\xff"));
  EXPECT_FALSE(is_utf8("caf\xe9"));           // Latin-1
  EXPECT_FALSE(is_utf8("\xc3"));              // cut off
  EXPECT_FALSE(is_utf8("\xe2\x82"));          // cut off
  EXPECT_FALSE(is_utf8("\xc0\xaf"));          // overlong
  EXPECT_FALSE(is_utf8("\xe0\x80\xaf"));      // overlong
  EXPECT_FALSE(is_utf8("\xf0\x80\x80\xaf"));  // overlong
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));      // surrogate
  EXPECT_FALSE(is_utf8("\xf4\x90\x80\x80"));  // above U+10FFFF
  EXPECT_FALSE(is_utf8("\x80"));              // continuation alone
}

}  // namespace
}  // namespace penstock::tools
