// An Ethernet switch with faults: joins TAP devices, and drops, delays and narrows what goes from
// one to another.
//
//   penstock-nemesis-switch DEVICE...
//
// Makes the devices; whoever started it moves them into namespaces and gives host i (from 0) the
// address 02:00:00:00:00:<i>. Frames to no known address go nowhere: neighbours are set by hand,
// so that a cut link is silence and not an error. Commands on standard input, each answered "ok":
//   link FROM TO LOSS_PPM DELAY_US JITTER_US BYTES_PER_S   one direction; 0 bytes/s: no limit
//   heal                                                   all links as new
// Jitter reorders, as a network may. Ends with its standard input.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <queue>
#include <random>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t kMaxFrameBytes = 65'536;
// Frames that wait in all links together; more are dropped, as a router with a full queue does.
constexpr std::size_t kMaxWaitingFrames = 50'000;
// How long a frame waits at most for a narrow link.
constexpr auto kMaxQueueing = std::chrono::milliseconds(500);
constexpr std::array<unsigned char, 5> kAddressPrefix{2, 0, 0, 0, 0};

struct Link {
  std::uint32_t loss_ppm = 0;
  microseconds delay{0};
  microseconds jitter{0};
  std::uint64_t bytes_per_s = 0;
  Clock::time_point free_at{};  // a narrow link is busy until then
};

struct Waiting {
  Clock::time_point due;
  std::uint64_t order;
  std::size_t to;
  std::string frame;
  friend bool operator>(const Waiting& a, const Waiting& b) {
    return a.due != b.due ? a.due > b.due : a.order > b.order;
  }
};

class Switch {
 public:
  explicit Switch(std::vector<int> ports)
      : ports_(std::move(ports)), links_(ports_.size() * ports_.size()) {}

  void run() {
    std::vector<pollfd> watched;
    for (const int port : ports_) watched.push_back({port, POLLIN, 0});
    watched.push_back({STDIN_FILENO, POLLIN, 0});
    while (true) {
      if (::poll(watched.data(), watched.size(), milliseconds_to_next()) < 0) continue;
      for (std::size_t i = 0; i < ports_.size(); ++i) {
        if ((watched[i].revents & POLLIN) != 0) take_frames(i);
      }
      if (watched.back().revents != 0 && !take_commands()) return;
      send_due();
    }
  }

 private:
  Link& link(std::size_t from, std::size_t to) { return links_[from * ports_.size() + to]; }

  int milliseconds_to_next() const {
    if (waiting_.empty()) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(waiting_.top().due - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(0, left.count()));
  }

  void take_frames(std::size_t from) {
    for (int n = 0; n < 64; ++n) {  // then the other ports have their turn
      const ssize_t got = ::read(ports_[from], buffer_.data(), buffer_.size());
      if (got < 14) return;
      const std::size_t to = static_cast<unsigned char>(buffer_[5]);
      if (std::memcmp(buffer_.data(), kAddressPrefix.data(), kAddressPrefix.size()) != 0 ||
          to >= ports_.size()) {
        continue;  // multicast chatter of the kernel
      }
      forward(from, to, static_cast<std::size_t>(got));
    }
  }

  void forward(std::size_t from, std::size_t to, std::size_t size) {
    Link& way = link(from, to);
    if (way.loss_ppm != 0 && random_() % 1'000'000 < way.loss_ppm) return;
    if (way.delay.count() == 0 && way.jitter.count() == 0 && way.bytes_per_s == 0) {
      (void)!::write(ports_[to], buffer_.data(), size);
      return;
    }
    const auto now = Clock::now();
    auto due = now + way.delay;
    if (way.jitter.count() > 0) {
      const auto width = static_cast<std::uint64_t>(2 * way.jitter.count() + 1);
      due += microseconds(static_cast<std::int64_t>(random_() % width)) - way.jitter;
    }
    if (way.bytes_per_s != 0) {
      way.free_at = std::max(way.free_at, now) + microseconds(size * 1'000'000 / way.bytes_per_s);
      if (way.free_at - now > kMaxQueueing) {
        way.free_at -= microseconds(size * 1'000'000 / way.bytes_per_s);
        return;
      }
      due = std::max(due, way.free_at);
    }
    if (waiting_.size() >= kMaxWaitingFrames) return;
    waiting_.push({due, order_++, to, std::string(buffer_.data(), size)});
  }

  void send_due() {
    const auto now = Clock::now();
    while (!waiting_.empty() && waiting_.top().due <= now) {
      const Waiting& first = waiting_.top();
      (void)!::write(ports_[first.to], first.frame.data(), first.frame.size());
      waiting_.pop();
    }
  }

  // False when nobody commands any more.
  bool take_commands() {
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) return false;
    commands_.append(bytes.data(), static_cast<std::size_t>(got));
    for (auto end = commands_.find('\n'); end != std::string::npos; end = commands_.find('\n')) {
      std::puts(obey(commands_.substr(0, end)) ? "ok" : "what?");
      std::fflush(stdout);
      commands_.erase(0, end + 1);
    }
    return true;
  }

  bool obey(const std::string& command) {
    std::istringstream words(command);
    std::string verb;
    words >> verb;
    if (verb == "heal") {
      std::ranges::fill(links_, Link());
      return true;
    }
    std::size_t from = 0;
    std::size_t to = 0;
    std::int64_t delay = 0;
    std::int64_t jitter = 0;
    Link way;
    words >> from >> to >> way.loss_ppm >> delay >> jitter >> way.bytes_per_s;
    if (verb != "link" || !words || from >= ports_.size() || to >= ports_.size()) return false;
    way.delay = microseconds(delay);
    way.jitter = microseconds(jitter);
    link(from, to) = way;
    return true;
  }

  std::vector<int> ports_;
  std::vector<Link> links_;  // [from][to]
  std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
  std::uint64_t order_ = 0;
  std::string commands_;
  std::array<char, kMaxFrameBytes> buffer_{};
  std::mt19937 random_{12345};
};

int open_tap(const char* name) {
  const int fd = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return -1;
  ifreq request{};
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  std::strncpy(request.ifr_name, name, IFNAMSIZ - 1);
  if (::ioctl(fd, TUNSETIFF, &request) < 0) return -1;
  return fd;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> ports;
  for (int i = 1; i < argc; ++i) {
    ports.push_back(open_tap(argv[i]));
    if (ports.back() < 0) return std::perror(argv[i]), 1;
  }
  if (ports.empty()) return std::fprintf(stderr, "usage: %s DEVICE...\n", argv[0]), 2;
  std::puts("ready");
  std::fflush(stdout);
  Switch(std::move(ports)).run();
  return 0;
}
