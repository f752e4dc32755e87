// What a library says, and where, is for the application around it to decide.
#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <sstream>

namespace penstock {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class LogTest : public testing::Test {
 protected:
  LogTest() { set_log_sink(std::make_shared<spdlog::sinks::ostream_sink_mt>(lines_)); }
  ~LogTest() override {
    set_log_sink(nullptr);
    (void)set_log_level("warn");
  }
  std::ostringstream lines_;
};

TEST_F(LogTest, OnlyTroubleIsToldUnlessAsked) {
  logger("log_test").info("all is well");
  EXPECT_THAT(lines_.str(), IsEmpty());
  logger("log_test").warn("lost a broker");
  EXPECT_THAT(lines_.str(), HasSubstr("lost a broker"));
}

TEST_F(LogTest, TheLevelHoldsForLoggersOfTheFutureToo) {
  spdlog::logger& before = logger("log_test");
  ASSERT_TRUE(set_log_level("off"));
  before.error("one");
  logger("log_test_made_later").error("two");
  EXPECT_THAT(lines_.str(), IsEmpty());
  ASSERT_TRUE(set_log_level("debug"));
  before.debug("three");
  EXPECT_THAT(lines_.str(), HasSubstr("three"));
  EXPECT_FALSE(set_log_level("loud"));
}

TEST_F(LogTest, AnotherSinkTakesOverForLoggersInUse) {
  spdlog::logger& kept = logger("log_test");
  std::ostringstream elsewhere;
  set_log_sink(std::make_shared<spdlog::sinks::ostream_sink_mt>(elsewhere));
  kept.warn("moved house");
  EXPECT_THAT(elsewhere.str(), HasSubstr("moved house"));
  EXPECT_THAT(lines_.str(), IsEmpty());
}

TEST_F(LogTest, LoggersOfTheApplicationAreItsOwn) {
  std::ostringstream theirs;
  const auto application = std::make_shared<spdlog::logger>(
      "client", std::make_shared<spdlog::sinks::ostream_sink_mt>(theirs));
  spdlog::register_logger(application);
  ASSERT_TRUE(set_log_level("off"));
  application->info("the application speaks");
  logger("client").error("the library does not");
  EXPECT_THAT(theirs.str(), HasSubstr("the application speaks"));
  EXPECT_THAT(theirs.str(), Not(HasSubstr("library")));
  spdlog::drop("client");
}

}  // namespace
}  // namespace penstock
