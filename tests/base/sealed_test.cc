// Bytes that say what they are, and whether they are as they were written.
#include "base/sealed.h"

#include <gtest/gtest.h>

#include <utility>

namespace penstock {
namespace {

constexpr SealKind kApples{"PSTKAPPL", "crate of apples", 2, 3};

Bytes crate(const SealKind& kind = kApples, std::uint16_t version = 2) {
  FieldWriter to = begin_sealed(kind, version);
  to.text("seven");
  return seal(std::move(to));
}

Error refused(const Bytes& bytes) {
  const auto opened = open_sealed(bytes, kApples);
  if (!opened) return opened.error();
  ADD_FAILURE() << "it was opened";
  return {Errc::kInvalidArgument, "none"};
}

TEST(Sealed, WhatWasWrittenComesBackWithItsVersion) {
  for (const std::uint16_t version : {std::uint16_t{2}, std::uint16_t{3}}) {
    const Bytes bytes = crate(kApples, version);
    const auto opened = open_sealed(bytes, kApples);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->version, version);
    FieldReader from(opened->body);
    EXPECT_EQ(from.text(), "seven");
    EXPECT_TRUE(from.is_complete());
  }
}

TEST(Sealed, AnyBitThatIsChangedIsSeen) {
  const Bytes good = crate();
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_EQ(refused(bad).code(), Errc::kCorrupt) << bit;
  }
}

TEST(Sealed, WhatIsCutIsRefused) {
  const Bytes good = crate();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(refused(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size))).code(),
              Errc::kCorrupt)
        << size;
  }
}

TEST(Sealed, AnotherKindIsNotTakenForThis) {
  const Error error = refused(crate({"PSTKPEAR", "crate of pears"}, 2));
  EXPECT_EQ(error.code(), Errc::kCorrupt);
  EXPECT_NE(error.message().find("crate of apples: it does not begin with PSTKAPPL"),
            std::string::npos)
      << error.message();
}

TEST(Sealed, VersionsOfOtherReleasesAreNamed) {
  for (const std::uint16_t version : {std::uint16_t{1}, std::uint16_t{4}}) {
    const Error error = refused(crate(kApples, version));
    EXPECT_EQ(error.code(), Errc::kUnsupportedVersion);
    EXPECT_NE(error.message().find("of version " + std::to_string(version)), std::string::npos);
  }
}

}  // namespace
}  // namespace penstock
