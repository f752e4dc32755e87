#include "tests/client/real_broker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

namespace penstock::client {
namespace {

std::filesystem::path binary() {
  const char* const folder = std::getenv("PENSTOCK_BIN_DIR");
  return std::filesystem::path(folder == nullptr ? "." : folder) / "penstockd";
}

}  // namespace

bool RealBroker::is_built() { return std::filesystem::exists(binary()); }

RealBroker::RealBroker() {
  std::string name = (std::filesystem::temp_directory_path() / "penstock-client-XXXXXX").string();
  EXPECT_NE(::mkdtemp(name.data()), nullptr);
  folder_ = name;
  start();
}

RealBroker::~RealBroker() {
  if (process_ > 0) end(SIGTERM);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void RealBroker::start() {
  const std::filesystem::path port_file = folder_ / "port";
  std::filesystem::remove(port_file);
  std::vector<std::string> words = {binary().string(),
                                    "--data_dir=" + (folder_ / "data").string(),
                                    "--listen=127.0.0.1:" + std::to_string(port_),
                                    "--metrics_listen=127.0.0.1:0",
                                    "--port_file=" + port_file.string(),
                                    "--log_level=error"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  for (int port = 0; port == 0;) {
    std::ifstream(port_file) >> port;
    port_ = static_cast<std::uint16_t>(port);
    if (port != 0) break;
    ASSERT_EQ(::waitpid(process_, nullptr, WNOHANG), 0) << "penstockd did not start";
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

void RealBroker::end(int signal) {
  ::kill(process_, signal);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

void RealBroker::kill_hard() { end(SIGKILL); }
void RealBroker::stop() { end(SIGTERM); }

}  // namespace penstock::client
