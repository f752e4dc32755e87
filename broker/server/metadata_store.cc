#include "broker/server/metadata_store.h"

#include "broker/controller/limits.h"
#include "protocol/record/builder.h"
#include "protocol/record/record.h"

namespace penstock::broker {
namespace {

constexpr std::uint64_t kReplayBytes = 1U << 20;  // of one read

// Metadata is small and kept for ever; small segments keep what is preallocated small.
storage::LogOptions metadata_log_options() {
  storage::LogOptions options;
  options.segment_bytes = 16U << 20;
  options.retention_ms = std::nullopt;
  options.retention_bytes = std::nullopt;
  return options;
}

Error undecodable(const record::RecordView& record, Error error) {
  return std::move(error).context("metadata record at offset " +
                                  std::to_string(record.offset.value()));
}

}  // namespace

Result<std::unique_ptr<MetadataStore>> MetadataStore::open(Env& env, const Clock& clock,
                                                           std::string dir, Uuid cluster_id) {
  // The metadata log is partition 0 of the cluster itself.
  const storage::LogIdentity identity{{cluster_id, PartitionId(0)}};
  PENSTOCK_TRY_ASSIGN(auto opened, storage::Log::open(env, clock, std::move(dir), identity,
                                                      metadata_log_options()));
  if (!opened.report.damage.empty()) {
    return fail(Errc::kCorrupt, "the metadata log is damaged: " + opened.report.damage[0].reason +
                                    "; restore the meta folder from a copy");
  }
  std::unique_ptr<MetadataStore> store(
      new MetadataStore(clock, std::move(opened.log), std::move(opened.report)));
  PENSTOCK_TRY(store->replay());
  return store;
}

Status MetadataStore::replay() {
  Offset next = log_->log_start();
  while (next < log_->log_end()) {
    PENSTOCK_TRY_ASSIGN(const auto chunk, log_->read(next, kReplayBytes, storage::ReadUpTo::kEnd));
    ByteView rest = chunk.batches.view();
    while (!rest.empty()) {
      PENSTOCK_TRY_ASSIGN(const auto batch, record::BatchView::parse(rest));
      rest = rest.subspan(batch.size());
      if (batch.is_control()) continue;
      PENSTOCK_TRY_ASSIGN(auto records, record::Records::open(batch));
      while (true) {
        PENSTOCK_TRY_ASSIGN(const auto record, records.next());
        if (!record) break;
        auto decoded = decode_metadata_record(record->value.value_or(ByteView{}));
        if (!decoded) return fail(undecodable(*record, std::move(decoded).error()));
        PENSTOCK_TRY(state_.apply(record->offset, *decoded));
      }
    }
    next = chunk.next;
  }
  // What a crash left unflushed was applied, so it must not vanish any more.
  return log_->needs_flush() ? log_->flush() : Status{};
}

Status MetadataStore::commit(const std::vector<MetadataRecord>& records) {
  if (records.empty()) return {};
  record::BatchBuilder builder;
  for (const MetadataRecord& record : records) {
    const Bytes value = encode(record);
    if (value.size() > kMaxMetadataRecordBytes) {
      return fail(Errc::kInvalidArgument, "the command makes a metadata record of " +
                                              std::to_string(value.size()) + " bytes");
    }
    builder.append(clock_.wall(), std::nullopt, ByteView(value));
  }
  PENSTOCK_TRY_ASSIGN(Bytes batch, builder.build());
  PENSTOCK_TRY_ASSIGN(const auto appended, log_->append(batch, state_.leader_epoch()));
  PENSTOCK_TRY(log_->flush());
  Offset offset = appended.base_offset;
  for (const MetadataRecord& record : records) {
    PENSTOCK_TRY(state_.apply(offset, record));
    offset = offset + 1;
  }
  return {};
}

std::map<Uuid, std::string> MetadataStore::deleted() const {
  std::map<Uuid, std::string> names;
  for (const auto& [id, topic] : state_.deleted()) names.emplace(id, topic.name);
  return names;
}

Status MetadataStore::close() { return log_->close(); }

}  // namespace penstock::broker
