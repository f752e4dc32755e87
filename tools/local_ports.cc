#include "tools/local_ports.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/file.h"
#include "tools/limits.h"
#include "tools/listeners.h"

namespace penstock::tools {
namespace {

constexpr std::uint64_t kMaxPortsFileBytes = 4096;

std::optional<std::uint16_t> take_port(std::string_view& text, char end) {
  std::uint16_t port = 0;
  const auto [at, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || at == text.data() + text.size() || *at != end || port == 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(at - text.data()) + 1);
  return port;
}

// One that the kernel holds free at the moment; somebody else may take it before it is used.
Result<std::uint16_t> free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound =
      fd >= 0 && bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0;
  if (fd >= 0) close(fd);
  if (!bound) return fail(Errc::kIoError, "find a free port");
  return ntohs(address.sin_port);
}

// Hands out ports that nobody listens on, none twice.
class FreePorts {
 public:
  explicit FreePorts(const std::vector<LocalPorts>& taken) {
    for (const LocalPorts& ports : taken)
      taken_.insert(taken_.end(), {ports.client, ports.metrics});
  }
  // The first free one from `wanted` on; 0: any.
  Result<std::uint16_t> next(std::uint16_t wanted) {
    for (std::uint32_t port = wanted; wanted != 0 && port <= 65535; ++port) {
      const auto number = static_cast<std::uint16_t>(port);
      if (is_taken(number) || listener_of(number)) continue;
      taken_.push_back(number);
      return number;
    }
    while (wanted == 0) {
      PENSTOCK_TRY_ASSIGN(const std::uint16_t port, free_port());
      if (is_taken(port)) continue;
      taken_.push_back(port);
      return port;
    }
    return fail(Errc::kAlreadyExists, "no port is free from " + std::to_string(wanted) + " on");
  }

 private:
  bool is_taken(std::uint16_t port) const {
    return std::ranges::find(taken_, port) != taken_.end();
  }
  std::vector<std::uint16_t> taken_;
};

}  // namespace

std::string encode_ports(const std::vector<LocalPorts>& ports) {
  std::string text;
  for (const LocalPorts& own : ports) {
    text += std::to_string(own.client) + " " + std::to_string(own.metrics) + "\n";
  }
  return text;
}

Result<std::vector<LocalPorts>> decode_ports(std::string_view text) {
  std::vector<LocalPorts> ports;
  while (!text.empty()) {
    const auto client = take_port(text, ' ');
    const auto metrics = client ? take_port(text, '\n') : std::nullopt;
    if (!metrics) return fail(Errc::kCorrupt, "up.ports: not two ports a line");
    ports.push_back({*client, *metrics});
  }
  return ports;
}

Status check_port(std::uint16_t port) {
  if (port == 0) return {};
  const auto listener = listener_of(port);
  if (!listener) return {};
  return fail(Errc::kAlreadyExists, "port " + std::to_string(port) + " is in use by " +
                                        listener->to_string() +
                                        "; choose others with --port and --metrics_port");
}

Result<std::vector<LocalPorts>> choose_ports(const std::string& file, std::size_t count,
                                             LocalPorts first) {
  std::vector<LocalPorts> ports;
  PENSTOCK_TRY_ASSIGN(const bool exists, posix_env().exists(file));
  if (exists) {
    PENSTOCK_TRY_ASSIGN(const Bytes bytes, posix_env().read_file(file, kMaxPortsFileBytes));
    PENSTOCK_TRY_ASSIGN(ports, decode_ports(as_text(bytes)));
  }
  FreePorts free(ports);
  for (const LocalPorts& own : ports) {
    PENSTOCK_TRY(check_port(own.client));
    PENSTOCK_TRY(check_port(own.metrics));
  }
  if (ports.empty()) {
    PENSTOCK_TRY(check_port(first.client));
    PENSTOCK_TRY(check_port(first.metrics));
  }
  while (ports.size() < count) {
    LocalPorts own = first;
    if (!ports.empty() && first.client != 0) {
      own.client = std::max(ports.back().client, ports.back().metrics);
    }
    PENSTOCK_TRY_ASSIGN(own.client, free.next(own.client));
    const bool follows = first.metrics != 0 && !ports.empty();
    PENSTOCK_TRY_ASSIGN(own.metrics, free.next(follows ? own.client : first.metrics));
    ports.push_back(own);
  }
  PENSTOCK_TRY(posix_env().replace_file(file, as_bytes(encode_ports(ports))));
  return ports;
}

}  // namespace penstock::tools
