// ASSERT_OK / EXPECT_OK: a Status or Result holds a value; the failure message is its error.
#pragma once

#include <gtest/gtest.h>

#include "base/result.h"

namespace penstock::storage {

template <typename T>
testing::AssertionResult holds_value(const Result<T>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().to_string();
}

}  // namespace penstock::storage

#define ASSERT_OK(expr) ASSERT_TRUE(::penstock::storage::holds_value(expr))
#define EXPECT_OK(expr) EXPECT_TRUE(::penstock::storage::holds_value(expr))
