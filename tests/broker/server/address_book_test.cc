#include "broker/server/address_book.h"

#include <gtest/gtest.h>

#include "fakes/fake_env.h"

namespace penstock::broker {
namespace {

const std::string kFile = "/data/peers";
const PeerAddresses kTwo = {{raft::NodeId(2), {"b", 7333}}, {raft::NodeId(3), {"c", 7334}}};

class AddressBookTest : public testing::Test {
 protected:
  AddressBookTest() { EXPECT_TRUE(env_.create_dirs("/data")); }
  AddressBook book() { return {env_, kFile, raft::NodeId(1)}; }

  fakes::FakeEnv env_;
};

TEST_F(AddressBookTest, WhatWasSavedIsKnownAtTheNextStart) {
  EXPECT_TRUE(book().save(kTwo));
  AddressBook next = book();
  EXPECT_TRUE(next.load());
  EXPECT_EQ(next.peers(), kTwo);
}

TEST_F(AddressBookTest, WhatTheFileSaysAlreadyIsNotWrittenAgain) {
  EXPECT_TRUE(book().save(kTwo));
  AddressBook next = book();
  EXPECT_TRUE(next.load());
  env_.reset_calls();
  env_.set_capacity(env_.used_bytes());
  EXPECT_TRUE(next.save(kTwo)) << "on a disk without a free byte";
  EXPECT_EQ(env_.calls(), 0U);
}

TEST_F(AddressBookTest, WhatCouldNotBeSavedIsNotTakenForSaved) {
  AddressBook one = book();
  EXPECT_TRUE(one.save({{raft::NodeId(2), {"b", 7333}}}));
  env_.set_capacity(env_.used_bytes());
  EXPECT_EQ(one.save(kTwo).error().code(), Errc::kDiskFull);
  env_.set_capacity(std::nullopt);
  EXPECT_TRUE(one.save(kTwo));
  AddressBook next = book();
  EXPECT_TRUE(next.load());
  EXPECT_EQ(next.peers(), kTwo);
}

TEST_F(AddressBookTest, ADamagedFileIsAsNoneAndIsWrittenAgain) {
  EXPECT_TRUE(book().save(kTwo));
  env_.put(kFile, as_bytes("2 b 7333\ncrc32c 00000000\n"));
  AddressBook next = book();
  EXPECT_TRUE(next.load());
  EXPECT_TRUE(next.peers().empty());
  EXPECT_TRUE(next.save(kTwo));
  AddressBook last = book();
  EXPECT_TRUE(last.load());
  EXPECT_EQ(last.peers(), kTwo);
}

}  // namespace
}  // namespace penstock::broker
