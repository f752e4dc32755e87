#include "tools/listeners.h"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace penstock::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kListening = "0A";  // TCP_LISTEN in the kernel's table

std::string slurp(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

template <typename Number>
std::optional<Number> parse(std::string_view text, int base) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool holds_one_of(const fs::path& process, const std::set<std::uint64_t>& inodes) {
  std::error_code error;
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    const std::string target = fs::read_symlink(at->path(), gone).string();
    constexpr std::string_view kPrefix = "socket:[";
    if (gone || !target.starts_with(kPrefix)) continue;
    const auto inode = parse<std::uint64_t>(
        std::string_view(target).substr(kPrefix.size(), target.size() - kPrefix.size() - 1), 10);
    if (inode && inodes.contains(*inode)) return true;
  }
  return false;
}

}  // namespace

std::set<std::uint64_t> listening_inodes(std::string_view table, std::uint16_t port) {
  std::set<std::uint64_t> inodes;
  std::istringstream lines{std::string(table)};
  std::string line;
  std::getline(lines, line);  // titles
  while (std::getline(lines, line)) {
    std::istringstream columns(line);
    std::vector<std::string> fields;
    for (std::string field; columns >> field;) fields.push_back(std::move(field));
    // "sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode"
    if (fields.size() < 10 || fields[3] != kListening) continue;
    const std::size_t colon = fields[1].find(':');
    if (colon == std::string::npos) continue;
    const auto local = parse<std::uint16_t>(std::string_view(fields[1]).substr(colon + 1), 16);
    const auto inode = parse<std::uint64_t>(fields[9], 10);
    if (local == port && inode) inodes.insert(*inode);
  }
  return inodes;
}

std::string Listener::to_string() const {
  if (pid < 0) return "a process of another user";
  return "'" + name + "' (pid " + std::to_string(pid) + ")";
}

std::optional<Listener> listener_of(std::uint16_t port) {
  std::set<std::uint64_t> inodes = listening_inodes(slurp("/proc/net/tcp"), port);
  inodes.merge(listening_inodes(slurp("/proc/net/tcp6"), port));
  if (inodes.empty()) return std::nullopt;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = parse<pid_t>(at->path().filename().string(), 10);
    if (!pid || !holds_one_of(at->path(), inodes)) continue;
    std::string name = slurp(at->path() / "comm");
    while (name.ends_with('\n')) name.pop_back();
    return Listener{.pid = *pid, .name = name};
  }
  return Listener{};
}

}  // namespace penstock::tools
