#include "archiver/sql_views.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "archiver/json_columns.h"
#include "archiver/limits.h"

namespace penstock::archiver {
namespace {

const std::vector<std::string>& record_columns() {
  static const std::vector<std::string> kNames{"_partition", "_offset", "_timestamp", "_key",
                                               "_value"};
  return kNames;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

// The records of `objects` as a query.
std::string scan(const ObjectStore& store, PartitionId partition,
                 const std::vector<std::string>& objects) {
  std::vector<std::string> files;
  for (const std::string& object : objects) {
    files.push_back(engine::literal(store.location(object)));
  }
  return fmt::format(
      "SELECT {}::INTEGER AS \"partition\", \"offset\", timestamp_ms, \"key\", \"value\" "
      "FROM read_parquet([{}], hive_partitioning = false)",
      partition.value(), join(files, ", "));
}

constexpr const char* kNoRecords =
    "SELECT NULL::INTEGER AS \"partition\", NULL::BIGINT AS \"offset\", "
    "NULL::BIGINT AS timestamp_ms, NULL::BLOB AS \"key\", NULL::BLOB AS \"value\" WHERE false";

template <typename Choose>
std::string scan_all(const ObjectStore& store, const std::vector<Manifest>& manifests,
                     Choose choose) {
  std::vector<std::string> scans;
  std::size_t number = 0;
  for (const Manifest& manifest : manifests) {
    std::vector<std::string> objects;
    for (const ChunkEntry& chunk : manifest.chunks) {
      if (chunk.records > 0 && choose(number++)) objects.push_back(chunk.object);
    }
    if (!objects.empty()) scans.push_back(scan(store, manifest.partition, objects));
  }
  return scans.empty() ? kNoRecords : join(scans, " UNION ALL ");
}

// All records, or every n-th object so that about kInferredValues are left.
std::string scan_sample(const ObjectStore& store, const std::vector<Manifest>& manifests) {
  std::uint64_t records = 0;
  for (const Manifest& manifest : manifests) records += manifest.records();
  const std::uint64_t stride = std::max<std::uint64_t>(1, records / kInferredValues);
  return scan_all(store, manifests, [&](std::size_t number) { return number % stride == 0; });
}

struct TopicShape {
  bool text_keys = true;
  bool text_values = true;
  std::string structure;  // of the JSON objects; empty: there are none
};

constexpr const char* kIsObject =
    "CASE WHEN json_valid(decoded) THEN json_type(decoded) = 'OBJECT' ELSE false END";

Result<TopicShape> infer_shape(engine::Connection& sql, const std::string& sample) {
  PENSTOCK_TRY_ASSIGN(
      auto rows,
      sql.query(fmt::format(
          "SELECT coalesce(bool_and(\"key\" IS NULL OR try(decode(\"key\")) IS NOT NULL), true)"
          "::VARCHAR, coalesce(bool_and(\"value\" IS NULL OR decoded IS NOT NULL), true)::VARCHAR, "
          "json_group_structure(CASE WHEN {} THEN decoded::JSON END)::VARCHAR "
          "FROM (SELECT *, try(decode(\"value\")) AS decoded FROM ({}))",
          kIsObject, sample)));
  PENSTOCK_TRY_ASSIGN(const auto block, rows.next());
  if (!block || block->rows() != 1) return fail(Errc::kSqlError, "no account of a topic's values");
  TopicShape shape;
  shape.text_keys = as_text(block->column(0).bytes(0)) == "true";
  shape.text_values = as_text(block->column(1).bytes(0)) == "true";
  const engine::ColumnView structure = block->column(2);
  if (!structure.is_null(0)) shape.structure = as_text(structure.bytes(0));
  return shape;
}

// Text that is not UTF-8 after all is shown escaped rather than lost.
std::string text_or_blob(std::string_view column, bool is_text) {
  const std::string name = engine::identifier(column);
  return is_text ? fmt::format("coalesce(try(decode({0})), {0}::VARCHAR)", name) : name;
}

std::string view_query(const std::string& records, const TopicShape& shape) {
  const JsonColumns json = json_columns(shape.structure, record_columns());
  std::string columns = fmt::format(
      "\"partition\" AS _partition, \"offset\" AS _offset, "
      "CASE WHEN timestamp_ms <> -1 THEN try(epoch_ms(timestamp_ms)) END AS _timestamp, "
      "{} AS _key, {} AS _value",
      text_or_blob("key", shape.text_keys), text_or_blob("value", shape.text_values));
  if (json.columns.empty()) return fmt::format("SELECT {} FROM ({})", columns, records);
  for (const auto& column : json.columns) {
    columns += fmt::format(", {} AS {}", column.expression, engine::identifier(column.name));
  }
  return fmt::format(
      "SELECT {} FROM (SELECT *, json_transform(text, {}) AS fields FROM (SELECT *, CASE WHEN {} "
      "THEN decoded END AS text FROM (SELECT *, try(decode(\"value\")) AS decoded FROM ({}))))",
      columns, engine::literal(json.structure), kIsObject, records);
}

}  // namespace

Result<std::map<std::string, std::vector<std::string>>> manifests_by_topic(ObjectStore& store) {
  PENSTOCK_TRY_ASSIGN(const auto objects, store.list(""));
  std::map<std::string, std::vector<std::string>> topics;
  for (const std::string& object : objects) {
    if (const auto name = parse_manifest_name(object)) topics[name->topic].push_back(object);
  }
  return topics;
}

Result<std::vector<Manifest>> load_manifests(ObjectStore& store,
                                             const std::vector<std::string>& names) {
  std::vector<Manifest> manifests;
  for (const std::string& name : names) {
    PENSTOCK_TRY_ASSIGN(const VersionedObject stored, store.get(name, kMaxManifestBytes));
    auto manifest = decode(stored.bytes);
    if (!manifest) return std::unexpected(std::move(manifest).error().context(name));
    PENSTOCK_TRY(check_place(*manifest, name));
    manifests.push_back(*std::move(manifest));
  }
  std::ranges::sort(manifests, {}, &Manifest::partition);
  return manifests;
}

std::map<std::string, std::string> view_names(
    const std::map<std::string, std::vector<std::string>>& topics) {
  std::set<std::string> taken;
  for (const auto& [topic, manifests] : topics) taken.insert(engine::folded(topic));
  std::set<std::string> seen;
  std::map<std::string, std::string> views;
  for (const auto& [topic, manifests] : topics) {
    std::string view = topic;
    if (!seen.insert(engine::folded(topic)).second) {
      for (int n = 2; !taken.insert(engine::folded(view)).second; ++n) {
        view = fmt::format("{}_{}", topic, n);
      }
    }
    views.emplace(topic, std::move(view));
  }
  return views;
}

Status create_view(engine::Connection& sql, const ObjectStore& store, const std::string& topic,
                   const std::string& view, const std::vector<Manifest>& manifests) {
  auto shape = infer_shape(sql, scan_sample(store, manifests));
  if (!shape) return std::unexpected(std::move(shape).error().context("topic " + topic));
  const std::string records = scan_all(store, manifests, [](std::size_t) { return true; });
  return sql.run(
      fmt::format("CREATE VIEW {} AS {}", engine::identifier(view), view_query(records, *shape)));
}

}  // namespace penstock::archiver
