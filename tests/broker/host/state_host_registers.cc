#include "tests/broker/host/state_host_registers.h"

#include <algorithm>

#include "base/coding.h"

namespace penstock::broker {
namespace {

constexpr std::uint64_t kNonsense = 0xffff'ffff'ffff'ffff;

template <std::integral T>
void append_le(Bytes& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof value);
  store_le(out.data() + at, value);
}

}  // namespace

Bytes encode(const RegisterSet& record) {
  Bytes bytes;
  append_le(bytes, record.command);
  append_le(bytes, record.part);
  append_le(bytes, record.parts);
  return bytes;
}

Result<RegisterSet> decode_register_set(ByteView record) {
  RegisterSet set;
  ByteReader reader(record);
  const bool whole = reader.read_le(set.command) && reader.read_le(set.part) &&
                     reader.read_le(set.parts) && reader.remaining() == 0;
  if (!whole || set.part >= set.parts || set.command == kNonsense) {
    return fail(Errc::kCorrupt, "no register record");
  }
  return set;
}

Result<Registers::Decision<std::size_t>> Registers::handle(const Write& command) const {
  if (std::ranges::count(commands_, command.command) > 0) return fail(Errc::kAlreadyExists);
  Decision<std::size_t> decision{{}, commands_.size() + 1};
  for (std::uint32_t part = 0; part < command.registers; ++part) {
    decision.records.push_back({command.command, part, command.registers});
  }
  return decision;
}

Result<Registers::Decision<std::vector<std::uint64_t>>> Registers::handle(const ReadAll&) const {
  return Decision<std::vector<std::uint64_t>>{{}, commands_};
}

Result<Registers::Decision<int>> Registers::handle(const WriteNonsense&) const {
  return Decision<int>{{{kNonsense, 0, 1}}, 0};
}

Status Registers::apply(Offset offset, const RegisterSet& record) {
  if (offset != applied_) return fail(Errc::kCorrupt, "records are left out or come twice");
  const bool goes_on = record.part > 0;
  if (goes_on ? missing_ != record.parts - record.part || commands_.back() != record.command
              : missing_ != 0 || std::ranges::count(commands_, record.command) > 0) {
    return fail(Errc::kCorrupt, "command " + std::to_string(record.command) + " comes twice");
  }
  if (!goes_on) commands_.push_back(record.command);
  missing_ = record.parts - record.part - 1;
  registers_[record.part] = record.command;
  applied_ = offset + 1;
  return {};
}

Bytes Registers::snapshot() const {
  Bytes bytes;
  append_le(bytes, applied_.value());
  append_le(bytes, missing_);
  append_le(bytes, static_cast<std::uint32_t>(registers_.size()));
  for (const auto& [part, command] : registers_) append_le(bytes, command);
  for (const std::uint64_t command : commands_) append_le(bytes, command);
  return bytes;
}

Result<Registers> Registers::restore(ByteView snapshot) {
  Registers state;
  ByteReader reader(snapshot);
  std::int64_t applied = 0;
  std::uint32_t count = 0;
  if (!reader.read_le(applied) || !reader.read_le(state.missing_) || !reader.read_le(count)) {
    return fail(Errc::kCorrupt, "no registers");
  }
  state.applied_ = Offset(applied);
  for (std::uint32_t part = 0; part < count; ++part) {
    if (!reader.read_le(state.registers_[part])) return fail(Errc::kCorrupt, "no registers");
  }
  while (reader.remaining() > 0) {
    if (!reader.read_le(state.commands_.emplace_back())) return fail(Errc::kCorrupt, "torn");
  }
  return state;
}

}  // namespace penstock::broker
