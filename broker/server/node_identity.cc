#include "broker/server/node_identity.h"

#include <charconv>
#include <cstdio>
#include <string_view>

#include "protocol/record/crc32c.h"

namespace penstock::broker {
namespace {

constexpr std::string_view kMagic = "penstock-node ";

std::string crc_line(std::string_view lines) {
  char text[32];
  std::snprintf(text, sizeof text, "crc32c %08x\n", record::crc32c(as_bytes(lines)));
  return text;
}

// Takes "key value\n" from the front.
bool take_line(std::string_view& text, std::string_view key, std::string_view& value) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos) return false;
  std::string_view line = text.substr(0, end);
  if (!line.starts_with(key)) return false;
  value = line.substr(key.size());
  text.remove_prefix(end + 1);
  return true;
}

bool parse_number(std::string_view text, std::int32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string encode(const NodeIdentity& identity) {
  std::string text(kMagic);
  text += std::to_string(kDataFormatVersion) + "\n";
  text += "cluster_id " + identity.cluster_id.to_string() + "\n";
  text += "node_id " + std::to_string(identity.node_id) + "\n";
  text += "directory_id " + identity.directory_id.to_string() + "\n";
  return text + crc_line(text);
}

Result<NodeIdentity> decode_node_identity(ByteView file) {
  const std::string_view whole = as_text(file);
  std::string_view rest = whole;
  std::string_view version_text, cluster, node, directory;
  std::int32_t version = 0;
  if (!take_line(rest, kMagic, version_text) || !parse_number(version_text, version)) {
    return fail(Errc::kCorrupt, "not a node file of Penstock");
  }
  if (version != kDataFormatVersion) {
    return fail(Errc::kUnsupportedVersion,
                "format version " + std::to_string(version) + "; this release reads version " +
                    std::to_string(kDataFormatVersion) + ": start a matching release");
  }
  NodeIdentity identity;
  const bool shape = take_line(rest, "cluster_id ", cluster) && take_line(rest, "node_id ", node) &&
                     take_line(rest, "directory_id ", directory);
  const std::string_view lines = whole.substr(0, whole.size() - rest.size());
  if (!shape || rest != crc_line(lines)) {
    return fail(Errc::kCorrupt, "the node file is damaged: its checksum does not fit");
  }
  const auto cluster_id = Uuid::parse(cluster);
  const auto directory_id = Uuid::parse(directory);
  if (!cluster_id || !directory_id || !parse_number(node, identity.node_id)) {
    return fail(Errc::kCorrupt, "the node file holds impossible values");
  }
  identity.cluster_id = *cluster_id;
  identity.directory_id = *directory_id;
  return identity;
}

}  // namespace penstock::broker
