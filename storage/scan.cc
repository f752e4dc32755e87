#include "storage/scan.h"

#include <algorithm>

#include "base/coding.h"
#include "storage/limits.h"

namespace penstock::storage {
namespace {

// A moving view of a file: reads ahead in chunks, and more when one batch needs it.
class Window {
 public:
  Window(const File& file, std::uint64_t limit) : file_(file), limit_(limit) {}

  // At least min(size, bytes up to the limit and the end of the file) bytes from `position`.
  Result<ByteView> at(std::uint64_t position, std::size_t size) {
    if (position >= limit_) return ByteView();
    const auto room = limit_ - position;
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size, room));
    if (position >= begin_ && position + wanted <= begin_ + size_) {
      return ByteView(buffer_).subspan(position - begin_, begin_ + size_ - position);
    }
    const auto fill =
        static_cast<std::size_t>(std::min<std::uint64_t>(std::max(size, kScanChunkBytes), room));
    if (buffer_.size() < fill) buffer_.resize(fill);
    PENSTOCK_TRY_ASSIGN(size_, file_.read_at(position, MutableByteView(buffer_).first(fill)));
    begin_ = position;
    return ByteView(buffer_).first(size_);
  }

 private:
  const File& file_;
  std::uint64_t limit_;
  Bytes buffer_;
  std::uint64_t begin_ = 0;
  std::size_t size_ = 0;
};

bool all_zero(ByteView bytes) {
  return bytes.empty() || (bytes.front() == std::byte{0} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// The batch at `position`, checked; the reason why there is none otherwise.
struct Candidate {
  std::optional<record::BatchView> batch;
  std::string reason;
};

Result<Candidate> batch_at(Window& window, std::uint64_t position) {
  PENSTOCK_TRY_ASSIGN(ByteView bytes, window.at(position, record::kHeaderSize));
  if (all_zero(bytes.first(std::min(bytes.size(), record::kHeaderSize)))) return Candidate{};
  const auto size = record::BatchView::total_size(bytes);
  if (!size) return Candidate{{}, size.error().message()};
  if (*size > kMaxBatchBytes) {
    return Candidate{{}, "a batch of " + std::to_string(*size) + " bytes is over the limit"};
  }
  PENSTOCK_TRY_ASSIGN(bytes, window.at(position, *size));
  const auto batch = record::BatchView::parse(bytes);
  if (!batch) return Candidate{{}, batch.error().message()};
  if (const Status crc = batch->verify_crc(); !crc) return Candidate{{}, crc.error().message()};
  return Candidate{*batch, {}};
}

}  // namespace

Result<ScanStop> scan_batches(const File& file, ScanFrom from, std::uint64_t limit,
                              const BatchSink& sink) {
  Window window(file, limit);
  ScanStop stop{from.position, from.expected, from.epoch, {}};
  while (stop.position < limit) {
    PENSTOCK_TRY_ASSIGN(const Candidate candidate, batch_at(window, stop.position));
    if (!candidate.batch) {
      stop.reason = candidate.reason;
      break;
    }
    const record::BatchView& batch = *candidate.batch;
    if (batch.base_offset() != stop.end) {
      stop.reason = "base offset " + std::to_string(batch.base_offset().value()) + " where " +
                    std::to_string(stop.end.value()) + " should stand";
      break;
    }
    if (batch.leader_epoch() < stop.epoch) {
      stop.reason = "leader epoch " + std::to_string(batch.leader_epoch().value()) + " after " +
                    std::to_string(stop.epoch.value());
      break;
    }
    if (batch.end_offset() > from.below) {
      stop.reason = "a batch reaches to offset " + std::to_string(batch.last_offset().value()) +
                    ", too far for its segment";
      break;
    }
    sink(batch);
    stop.position += batch.size();
    stop.end = batch.end_offset();
    stop.epoch = batch.leader_epoch();
  }
  return stop;
}

Result<std::optional<FoundBatch>> find_batch(const File& file, const BatchSearch& search) {
  Window window(file, search.limit);
  const std::uint64_t end = std::min(search.begin_before, search.limit);
  for (std::uint64_t position = search.from; position < end; ++position) {
    PENSTOCK_TRY_ASSIGN(const ByteView bytes, window.at(position, record::kHeaderSize));
    if (bytes.size() < record::kHeaderSize) break;
    // Cheap tests first: nearly every position fails them.
    if (std::to_integer<std::int8_t>(bytes[16]) != record::kMagic) continue;
    const Offset base(load_be<std::int64_t>(bytes.data()));
    if (base < search.at_least || base >= search.below) continue;
    PENSTOCK_TRY_ASSIGN(const Candidate candidate, batch_at(window, position));
    if (candidate.batch) return FoundBatch{position, base};
  }
  return std::nullopt;
}

Result<std::uint64_t> end_of_bytes(const File& file, std::uint64_t from) {
  PENSTOCK_TRY_ASSIGN(const std::uint64_t size, file.size());
  std::uint64_t end = from;
  Bytes chunk(static_cast<std::size_t>(
      std::min<std::uint64_t>(kScanChunkBytes, size > from ? size - from : 0)));
  for (std::uint64_t at = from; at < size;) {
    PENSTOCK_TRY_ASSIGN(const std::size_t got, file.read_at(at, chunk));
    if (got == 0) break;
    const ByteView bytes = ByteView(chunk).first(got);
    if (!all_zero(bytes)) {
      const auto last = std::ranges::find_if(bytes.rbegin(), bytes.rend(),
                                             [](std::byte b) { return b != std::byte{0}; });
      end = at + static_cast<std::uint64_t>(bytes.rend() - last);
    }
    at += got;
  }
  return end;
}

Result<RebuiltRuns> rebuild_runs(const File& file, const Run& start,
                                 const RebuildOptions& options) {
  RebuiltRuns rebuilt;
  rebuilt.open = start;
  const Offset base = options.segment_base;
  // However far the next segment is: this one cannot reach further.
  const Offset farthest = base + kMaxSegmentOffsets;
  const Offset known_end = std::min(options.known_end.value_or(farthest), farthest);
  const auto close_run = [&] {
    rebuilt.runs.push_back(rebuilt.open);
    rebuilt.open = next_run(rebuilt.open);
  };
  const auto add = [&](const record::BatchView& batch) {
    if (!admits(rebuilt.open, batch)) close_run();
    extend(rebuilt.open, base, batch, options.now);
    if (rebuilt.open.length >= options.run_bytes) close_run();
  };
  // Closes the open run and lets the next one begin behind a gap.
  const auto step_over = [&](std::uint64_t position, Offset to, std::string reason) {
    const Offset from = base + rebuilt.open.end_delta;
    if (!rebuilt.open.empty()) rebuilt.runs.push_back(rebuilt.open);
    rebuilt.open = next_run(rebuilt.open);
    rebuilt.open.position = static_cast<std::uint32_t>(position);
    rebuilt.open.base_delta = rebuilt.open.end_delta = static_cast<std::uint32_t>(to - base);
    rebuilt.open.last_epoch = -1;  // a damaged epoch must not hide everything behind it
    if (from < to) rebuilt.gaps.push_back({from, to, std::move(reason)});
  };

  while (true) {
    const ScanFrom from{rebuilt.open.end_position(), base + rebuilt.open.end_delta,
                        Term(rebuilt.open.last_epoch), farthest};
    PENSTOCK_TRY_ASSIGN(const ScanStop stop, scan_batches(file, from, options.limit, add));
    rebuilt.stopped = stop.reason;
    const bool complete = options.known_end && stop.end >= known_end;
    if (complete || stop.position >= options.limit) break;
    // Zeros may be a hole that was never written: something may stand behind them too.
    PENSTOCK_TRY_ASSIGN(const auto next,
                        find_batch(file, BatchSearch{.from = stop.position + 1,
                                                     .begin_before = options.zeros_from,
                                                     .limit = options.limit,
                                                     .at_least = stop.end,
                                                     .below = known_end}));
    if (!next) break;
    step_over(next->position, next->base, stop.reason.empty() ? "zero bytes" : stop.reason);
  }
  const Offset end = base + rebuilt.open.end_delta;
  if (options.known_end && end < known_end) {
    step_over(options.limit, known_end,
              rebuilt.stopped.empty() ? "missing from the file" : rebuilt.stopped);
  }
  return rebuilt;
}

}  // namespace penstock::storage
