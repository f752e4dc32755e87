// ASSERT_OK / EXPECT_OK: a Status or Result holds a value; the failure message is its error.
#pragma once

#include <gtest/gtest.h>

#define ASSERT_OK(expr)                                                      \
  do {                                                                       \
    const auto& asserted_status_ = (expr);                                   \
    ASSERT_TRUE(asserted_status_.has_value()) << asserted_status_.error().to_string(); \
  } while (false)
#define EXPECT_OK(expr)                                                      \
  do {                                                                       \
    const auto& expected_status_ = (expr);                                   \
    EXPECT_TRUE(expected_status_.has_value()) << expected_status_.error().to_string(); \
  } while (false)
