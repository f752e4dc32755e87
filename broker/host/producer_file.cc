#include "broker/host/producer_file.h"

#include "broker/producers/limits.h"

namespace penstock::broker {

Result<std::optional<Bytes>> ProducerFile::read() const {
  PENSTOCK_TRY_ASSIGN(const bool exists, env_.exists(path_));
  if (!exists) return std::nullopt;
  PENSTOCK_TRY_ASSIGN(Bytes bytes, env_.read_file(path_, kMaxProducerSnapshotBytes));
  return std::optional<Bytes>(std::move(bytes));
}

Status ProducerFile::write(const ProducerSnapshot& snapshot) {
  const std::lock_guard lock(writing_);
  const bool is_old = snapshot.history != history_ || snapshot.applied.value() <= applied_;
  if (is_old) return {};
  PENSTOCK_TRY(env_.replace_file(path_, snapshot.bytes));
  applied_ = snapshot.applied.value();
  return {};
}

Status ProducerFile::replace(const ProducerSnapshot& snapshot) {
  const std::lock_guard lock(writing_);
  ++history_;
  PENSTOCK_TRY(env_.replace_file(path_, snapshot.bytes));
  applied_ = snapshot.applied.value();
  return {};
}

std::optional<Offset> ProducerFile::covers() const {
  const std::int64_t applied = applied_;
  if (applied == kNothing) return std::nullopt;
  return Offset(applied);
}

}  // namespace penstock::broker
