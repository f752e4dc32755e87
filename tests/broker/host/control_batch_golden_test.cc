// The bytes of control batches: what every later release must read.
#include <gtest/gtest.h>

#include "broker/host/control_batch.h"
#include "tests/broker/host/nodes.h"
#include "tests/storage/documented.h"

namespace penstock::broker {
namespace {

constexpr Timestamp kNow(1'700'000'000'000);
const raft::Membership kJoint{
    .voters = nodes({1, 2, 300}), .outgoing = nodes({1, 2, 3}), .learners = nodes({4})};

TEST(ControlBatchGolden, ATermOpeningIsAsDocumented) {
  const Bytes bytes = make_term_opening(kNow);
  EXPECT_TRUE(equal(bytes, documented("control-term"))) << hex_lines(bytes);
}

TEST(ControlBatchGolden, AMembershipIsAsDocumented) {
  const Bytes bytes = make_membership_batch(kJoint, kNow);
  EXPECT_TRUE(equal(bytes, documented("control-membership"))) << hex_lines(bytes);
  const Bytes read = documented("control-membership");
  const auto batch = record::BatchView::parse(read);
  ASSERT_TRUE(batch && batch->verify_crc());
  EXPECT_EQ(membership_in(*batch), kJoint);
}

}  // namespace
}  // namespace penstock::broker
