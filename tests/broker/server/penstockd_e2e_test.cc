// The binary itself: flags, exit codes, signals, and what it says when it cannot start.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>

#include "tests/broker/server/running_broker.h"

extern char** environ;

namespace penstock::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
namespace fs = std::filesystem;

std::string read_all(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// One run of penstockd; its output goes to a file.
class Penstockd {
 public:
  Penstockd(const ScratchDir& dir, std::vector<std::string> flags)
      : output_(dir / ("output-" + std::to_string(++runs_))), ports_(dir / "ports") {
    fs::remove(ports_);
    const char* bin = std::getenv("PENSTOCK_BIN_DIR");
    flags.insert(flags.begin(), std::string(bin == nullptr ? "." : bin) + "/penstockd");
    std::vector<char*> argv;
    for (std::string& flag : flags) argv.push_back(flag.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, output_.c_str(), O_CREAT | O_WRONLY | O_APPEND,
                                     0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) {
      throw std::runtime_error("cannot start " + flags[0] + ": set PENSTOCK_BIN_DIR");
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  ~Penstockd() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      wait();
    }
  }

  static std::vector<std::string> serving_flags(const ScratchDir& dir) {
    return {"--data_dir=" + (dir / "data"), "--listen=127.0.0.1:0", "--metrics_listen=127.0.0.1:0",
            "--port_file=" + (dir / "ports"), "--disk_reserve_mb=0"};
  }
  std::uint16_t port() const {
    std::uint16_t port = 0;
    while (port == 0 && ::kill(pid_, 0) == 0) {
      std::ifstream(ports_) >> port;
      ::usleep(1'000);
    }
    return port;
  }
  void signal(int number) const { ::kill(pid_, number); }
  // The exit code, or minus the signal that ended it.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }
  std::string output() const { return read_all(output_); }

 private:
  static inline int runs_ = 0;
  std::string output_;
  std::string ports_;
  pid_t pid_ = 0;
};

struct Told {
  int exit_code;
  std::string output;
};

Told run(const ScratchDir& dir, const std::vector<std::string>& flags) {
  Penstockd penstockd(dir, flags);
  const int code = penstockd.wait();
  return {code, penstockd.output()};
}

TEST(PenstockdE2e, TermStopsItCleanlyAndKeepsEverything) {
  ScratchDir dir;
  std::string topic;
  for (const int number : {SIGTERM, SIGINT}) {
    Penstockd penstockd(dir, Penstockd::serving_flags(dir));
    {
      TestClient client(penstockd.port());
      if (topic.empty()) topic = client.create("orders").value();
      ASSERT_TRUE(client.produce(topic, 0, batch_of({"a"})));
    }
    penstockd.signal(number);
    EXPECT_EQ(penstockd.wait(), 0) << penstockd.output();
    EXPECT_THAT(penstockd.output(), HasSubstr("stopped cleanly"));
  }
  Penstockd penstockd(dir, Penstockd::serving_flags(dir));
  TestClient client(penstockd.port());
  EXPECT_THAT(client.values(topic, 0, 0).value(), ElementsAre("a", "a"));
}

TEST(PenstockdE2e, KilledItKeepsWhatItAcknowledged) {
  ScratchDir dir;
  std::string topic;
  for (int round = 0; round < 5; ++round) {
    Penstockd penstockd(dir, Penstockd::serving_flags(dir));
    TestClient client(penstockd.port());
    if (round == 0) topic = client.create("orders").value();
    ASSERT_THAT(client.values(topic, 0, 0).value(), testing::SizeIs(round));
    const auto answer = client.produce(topic, 0, batch_of({std::to_string(round)}));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->leader_epoch(), round + 1) << "no epoch is used twice";
    penstockd.signal(SIGKILL);
    EXPECT_EQ(penstockd.wait(), -SIGKILL);
  }
}

TEST(PenstockdE2e, ASecondSignalEndsItAtOnce) {
  ScratchDir dir;
  Penstockd penstockd(dir, Penstockd::serving_flags(dir));
  // A client that does not go away holds the first one up.
  TestClient client(penstockd.port());
  client.create("orders").value();
  penstockd.signal(SIGTERM);
  while (penstockd.output().find("stopping") == std::string::npos) ::usleep(1'000);
  penstockd.signal(SIGTERM);
  EXPECT_EQ(penstockd.wait(), -SIGTERM);
}

TEST(PenstockdE2e, WrongFlagsAreUsageErrors) {
  ScratchDir dir;
  const Told unknown = run(dir, {"--data_dri=/x"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.output, HasSubstr("did you mean --data_dir?"));
  EXPECT_EQ(run(dir, {"/x"}).exit_code, 2);
  EXPECT_EQ(run(dir, {}).exit_code, 2);
  EXPECT_EQ(run(dir, {"--data_dir=" + (dir / "d"), "--shards=many"}).exit_code, 2);
  EXPECT_EQ(run(dir, {"--data_dir=" + (dir / "d"), "--log_level=loud"}).exit_code, 2);
  EXPECT_EQ(run(dir, {"--help"}).exit_code, 0);
  EXPECT_THAT(run(dir, {"--version"}).output, HasSubstr("penstockd "));
}

TEST(PenstockdE2e, APortInUseIsNamedAndTheExitCodeIsOne) {
  ScratchDir dir;
  Penstockd first(dir, Penstockd::serving_flags(dir));
  const std::string port = std::to_string(first.port());
  const Told second = run(dir, {"--data_dir=" + (dir / "other"), "--listen=127.0.0.1:" + port,
                                "--metrics_listen=127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("port " + port + " is in use"));
}

TEST(PenstockdE2e, FoldersThatItCannotUse) {
  ScratchDir dir;
  fs::create_directories(dir / "foreign");
  std::ofstream(dir / "foreign/holiday.jpg") << "sea";
  const Told foreign = run(dir, {"--data_dir=" + (dir / "foreign")});
  EXPECT_EQ(foreign.exit_code, 1);
  EXPECT_THAT(foreign.output, HasSubstr("it is not Penstock's"));

  std::ofstream(dir / "file") << "";
  EXPECT_EQ(run(dir, {"--data_dir=" + (dir / "file")}).exit_code, 1);
  EXPECT_EQ(run(dir, {"--data_dir=/proc/penstock"}).exit_code, 1);

  Penstockd first(dir, Penstockd::serving_flags(dir));
  first.port();
  const Told second = run(dir, {"--data_dir=" + (dir / "data"), "--listen=127.0.0.1:0",
                                "--metrics_listen=127.0.0.1:0"});
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.output, HasSubstr("in use by another penstockd"));
}

}  // namespace
}  // namespace penstock::broker
