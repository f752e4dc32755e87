#include "base/types.h"

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

}  // namespace

std::string Uuid::to_string() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (std::byte b : bytes) {
    text.push_back(kDigits[std::to_integer<unsigned>(b) >> 4]);
    text.push_back(kDigits[std::to_integer<unsigned>(b) & 15]);
  }
  return text;
}

std::optional<Uuid> Uuid::parse(std::string_view hex) {
  Uuid id;
  if (hex.size() != 2 * id.bytes.size()) return std::nullopt;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    const int high = hex_digit(hex[2 * i]);
    const int low = hex_digit(hex[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    id.bytes[i] = static_cast<std::byte>(high * 16 + low);
  }
  return id;
}

bool is_valid_topic_name(std::string_view name) {
  if (name.empty() || name.size() > 249 || name == "." || name == "..") return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

}  // namespace penstock

std::size_t std::hash<penstock::Uuid>::operator()(const penstock::Uuid& id) const noexcept {
  std::size_t h;  // the bits are random already
  std::memcpy(&h, id.bytes.data(), sizeof h);
  return h;
}

std::size_t std::hash<penstock::TopicPartition>::operator()(
    const penstock::TopicPartition& tp) const noexcept {
  return std::hash<penstock::Uuid>{}(tp.topic) ^
         (static_cast<std::size_t>(tp.partition.value()) * 0x9e3779b97f4a7c15ULL);
}
