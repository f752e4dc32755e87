// How a shell carries out what a group asks for, against a simulated disk and network.
#include <algorithm>

#include "random_world.h"

namespace penstock::raft::random_world {

const Membership* RandomWorld::keep(const Membership& membership) {
  for (const Membership& known : memberships_) {
    if (known == membership) return &known;
  }
  return &memberships_.emplace_back(membership);
}

void RandomWorld::carry_out(Node& at) {
  while (violation_.empty()) {
    Output output = at.group->take_output();
    if (output.fault) broken(to_string(at.id) + " faults: " + *output.fault);
    if (output.save) at.saving = output.save;
    judge_commit(at);
    judge_leader(at);
    for (const ReadReady& ready : output.reads_ready) {
      if (ready.committed < reads_[ready.context]) broken("a stale read on " + to_string(at.id));
      ++seen_.reads;
    }
    for (const Envelope& envelope : output.messages) send(at, envelope);
    bool again = false;
    if (output.reset) {
      at.log.records.clear();
      at.log.start = output.reset->start;
      at.log.base = keep(output.reset->membership);
      at.log.durable = at.log.start.end;
      (void)at.group->was_reset(*output.reset, now_ms_);
      ++seen_.installs;
      again = true;
    }
    if (output.accept && arriving_ != nullptr && (is_calm_ || !rng_.one_in(40))) {
      carry_out_accept(at, *output.accept, *arriving_);
      again = true;
    }
    for (const ControlEntry& entry : output.control) {
      append(at, entry.membership ? keep(*entry.membership) : nullptr, 1);
      again = true;
    }
    for (const ReadForPeer& read : output.reads) {
      if (rng_.one_in(3)) {
        at.reading.push_back(read);
      } else {
        send_range(at, read);
        again = true;
      }
    }
    if (!again) return;
  }
}

void RandomWorld::carry_out_accept(Node& at, const Accept& accept,
                                   const std::vector<Record>& records) {
  if (accept.truncate_to) {
    if (*accept.truncate_to < at.group->committed()) broken("a cut below the commit point");
    at.log.truncate(*accept.truncate_to);
    ++seen_.truncations;
  }
  const auto skip = accept.append_from - accept.request.range.begin;
  if (at.log.end() != accept.append_from) broken("an append that leaves a hole");
  if (!records[static_cast<std::size_t>(skip)].begins_batch) broken("an append amid a batch");
  at.log.records.insert(at.log.records.end(), records.begin() + skip, records.end());
  if (!at.group->accepted(accept, now_ms_)) broken("accepted() failed on " + to_string(at.id));
}

void RandomWorld::append(Node& at, const Membership* members, int records) {
  const Offset begin = at.log.end();
  for (int i = 0; i < records; ++i) {
    at.log.records.push_back({at.group->term(), next_value_++, i == 0, members});
  }
  const EntryRange range = at.log.range(begin, at.log.end());
  if (Status status = at.group->appended(range, now_ms_); !status) {
    broken("appended() failed on " + to_string(at.id) + ": " + status.error().message());
  }
}

void RandomWorld::send_range(Node& at, const ReadForPeer& read) {
  EntryRange range{.begin = read.from, .end = read.from, .runs = {}, .memberships = {}};
  if (read.from >= at.log.start.end && read.from < at.log.end() && (is_calm_ || !rng_.one_in(20))) {
    const auto most = std::max<std::int64_t>(1, static_cast<std::int64_t>(read.max_bytes / 100));
    range = at.log.range(read.from, at.log.end_of_batches(read.from, most));
  }
  at.group->send_range(read, range, now_ms_);
}

void RandomWorld::send(Node& at, const Envelope& envelope) {
  judge_message(at, envelope);
  if (std::holds_alternative<TimeoutNow>(envelope.message)) ++seen_.transfers;
  if (!is_calm_) {
    const auto from = static_cast<std::size_t>(envelope.from.value() - 1);
    const auto to = static_cast<std::size_t>(envelope.to.value() - 1);
    if (cut_[from][to] || rng_.one_in(loss_one_in_)) {
      if (std::holds_alternative<InstallRequest>(envelope.message) && rng_.one_in(2)) {
        at.group->install_failed(envelope.to, now_ms_);
      }
      return;
    }
  }
  Packet packet{envelope, {}};
  if (const auto* append = std::get_if<AppendRequest>(&envelope.message)) {
    for (Offset o = append->range.begin; o < append->range.end; o = o + 1) {
      packet.records.push_back(at.log.at(o));
    }
  }
  if (!is_calm_ && rng_.one_in(duplicate_one_in_)) network_.push_back(packet);
  network_.push_back(std::move(packet));
}

}  // namespace penstock::raft::random_world
