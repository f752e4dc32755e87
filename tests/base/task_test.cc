// Coroutines with an owner: TaskGroup, Wakeup, sleep_for, run_on.
#include "base/task.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <thread>
#include <vector>

namespace penstock {
namespace {

using std::chrono::steady_clock;

const auto kLongAgo = steady_clock::time_point{} + std::chrono::hours(1);
constexpr std::chrono::hours kAnHour(1);

Task<void> note(std::vector<int>& seen, int value) {
  seen.push_back(value);
  co_return;
}

Task<void> note_when_woken(Wakeup& wakeup, std::vector<std::string>& seen, std::string name) {
  const Status woken = co_await wakeup.wait(wakeup.version());
  seen.push_back(name + (woken ? " woken" : " " + std::string(info(woken.error().code()).name)));
}

TEST(TaskGroup, RunsWhatItIsGivenAndForgetsItWhenItEnds) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  std::vector<int> seen;
  for (int i = 0; i < 3; ++i) group.spawn("note", note(seen, i));
  EXPECT_EQ(group.running(), 3);
  context.run();
  EXPECT_EQ(seen, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(group.running(), 0);
}

Task<void> wait_for_group(TaskGroup& group, bool& done) {
  co_await group.wait();
  done = true;
}

TEST(TaskGroup, WaitReturnsWhenTheLastHasEnded) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  TaskGroup waiters(context.get_executor());
  Wakeup wakeup(context.get_executor());
  std::vector<std::string> seen;
  bool done = false;
  group.spawn("a", note_when_woken(wakeup, seen, "a"));
  group.spawn("b", note_when_woken(wakeup, seen, "b"));
  waiters.spawn("wait", wait_for_group(group, done));
  context.poll();
  EXPECT_FALSE(done);
  wakeup.notify_all();
  context.run();
  EXPECT_TRUE(done);
  EXPECT_EQ(seen, (std::vector<std::string>{"a woken", "b woken"}));
}

TEST(TaskGroup, WaitOnAnEmptyGroupReturnsAtOnce) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  TaskGroup waiters(context.get_executor());
  bool done = false;
  waiters.spawn("wait", wait_for_group(group, done));
  context.run();
  EXPECT_TRUE(done);
}

TEST(TaskGroup, CancellationIsAResultOfTheWaits) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  Wakeup wakeup(context.get_executor());
  std::vector<std::string> seen;
  group.spawn("a", note_when_woken(wakeup, seen, "a"));
  group.spawn("b", note_when_woken(wakeup, seen, "b"));
  context.poll();
  group.cancel();
  context.restart();
  context.run();
  EXPECT_EQ(seen, (std::vector<std::string>{"a Cancelled", "b Cancelled"}));
  EXPECT_EQ(group.running(), 0);
}

Task<void> sleep_twice(std::vector<Errc>& seen) {
  for (int i = 0; i < 2; ++i) {
    const Status slept = co_await sleep_for(kAnHour);
    seen.push_back(slept ? Errc::kOk : slept.error().code());
  }
}

TEST(TaskGroup, ACancelledCoroutineIsCancelledForEveryWaitThatFollows) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  std::vector<Errc> seen;
  group.spawn("sleeper", sleep_twice(seen));
  context.poll();
  group.cancel();
  context.restart();
  context.run();
  EXPECT_EQ(seen, (std::vector<Errc>{Errc::kCancelled, Errc::kCancelled}));
}

Task<void> spawn_more(TaskGroup& group, std::vector<int>& seen, int left) {
  seen.push_back(left);
  if (left > 0) group.spawn("more", spawn_more(group, seen, left - 1));
  co_return;
}

TEST(TaskGroup, ACoroutineMaySpawnInItsOwnGroup) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  std::vector<int> seen;
  group.spawn("first", spawn_more(group, seen, 3));
  context.run();
  EXPECT_EQ(seen, (std::vector<int>{3, 2, 1, 0}));
  EXPECT_EQ(group.running(), 0);
}

Task<void> throw_something() {
  throw std::runtime_error("unexpected");
  co_return;
}

TEST(TaskGroupDeathTest, AnExceptionThatEscapesIsABug) {
  EXPECT_DEATH(
      {
        asio::io_context context;
        TaskGroup group(context.get_executor());
        group.spawn("thrower", throw_something());
        context.run();
      },
      "thrower");
}

TEST(TaskGroupDeathTest, GoingAwayWhileCoroutinesRunIsABug) {
  EXPECT_DEATH(
      {
        asio::io_context context;
        Wakeup wakeup(context.get_executor());
        std::vector<std::string> seen;
        TaskGroup group(context.get_executor());
        group.spawn("a", note_when_woken(wakeup, seen, "a"));
        context.poll();
      },
      "outlives its coroutines");
}

Task<void> wait_from(Wakeup& wakeup, std::uint64_t seen_version, std::vector<Errc>& results,
                     steady_clock::time_point deadline) {
  const Status woken = co_await wakeup.wait(seen_version, deadline);
  results.push_back(woken ? Errc::kOk : woken.error().code());
}

TEST(Wakeup, ANotificationBetweenLookingAndWaitingIsNotLost) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  Wakeup wakeup(context.get_executor());
  const std::uint64_t seen = wakeup.version();
  wakeup.notify_all();
  std::vector<Errc> results;
  group.spawn("waiter", wait_from(wakeup, seen, results, steady_clock::time_point::max()));
  context.run();
  EXPECT_EQ(results, std::vector<Errc>{Errc::kOk});
}

TEST(Wakeup, APassedDeadlineIsATimeout) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  Wakeup wakeup(context.get_executor());
  std::vector<Errc> results;
  group.spawn("waiter", wait_from(wakeup, wakeup.version(), results, kLongAgo));
  context.run();
  EXPECT_EQ(results, std::vector<Errc>{Errc::kTimeout});
}

TEST(Wakeup, ANotificationWinsOverAPassedDeadline) {
  asio::io_context context;
  TaskGroup group(context.get_executor());
  Wakeup wakeup(context.get_executor());
  const std::uint64_t seen = wakeup.version();
  wakeup.notify_all();
  std::vector<Errc> results;
  group.spawn("waiter", wait_from(wakeup, seen, results, kLongAgo));
  context.run();
  EXPECT_EQ(results, std::vector<Errc>{Errc::kOk});
}

Task<void> work_on(asio::any_io_executor pool, std::thread::id& worked, std::thread::id& resumed,
                   int& value) {
  value = co_await run_on(pool, [&worked] {
    worked = std::this_thread::get_id();
    return 42;
  });
  resumed = std::this_thread::get_id();
}

TEST(RunOn, WorksOnThePoolAndComesBackHome) {
  asio::io_context context;
  asio::thread_pool pool(1);
  TaskGroup group(context.get_executor());
  std::thread::id worked;
  std::thread::id resumed;
  int value = 0;
  group.spawn("work", work_on(pool.get_executor(), worked, resumed, value));
  context.run();
  EXPECT_EQ(value, 42);
  EXPECT_NE(worked, std::this_thread::get_id());
  EXPECT_EQ(resumed, std::this_thread::get_id());
  pool.join();
}

Task<void> sum_on(asio::any_io_executor pool, int n, int& sum) {
  const Result<std::unique_ptr<int>> got = co_await run_on(
      pool, [n]() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(n); });
  sum += **got;
}

TEST(RunOn, ManyAtOnceBringMoveOnlyResultsHome) {
  asio::io_context context;
  asio::thread_pool pool(2);
  TaskGroup group(context.get_executor());
  int sum = 0;  // only ever touched at home
  for (int i = 0; i < 1000; ++i) group.spawn("sum", sum_on(pool.get_executor(), i, sum));
  context.run();
  EXPECT_EQ(sum, 499'500);
  pool.join();
}

}  // namespace
}  // namespace penstock
