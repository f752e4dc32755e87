#include "broker/controller/producer_registry.h"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "broker/controller/limits.h"

namespace penstock::broker {
namespace {

using record::kMaxProducerEpoch;
using record::ProducerIdentity;

constexpr std::int64_t kEndOfIds = std::numeric_limits<std::int64_t>::max();

// Anything that can be shown in a line of a table.
bool is_valid_name(std::string_view name) {
  constexpr unsigned char kSpace = 0x20;
  constexpr unsigned char kDelete = 0x7f;
  return !name.empty() && name.size() <= kMaxProducerNameBytes &&
         std::ranges::all_of(name, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte > kSpace && byte != kDelete;
         });
}

std::string quoted(const std::string& name) { return "'" + name + "'"; }

bool is_identity(const ProducerIdentity& identity, std::int64_t first_id, std::int64_t next_id) {
  return identity.id >= first_id && identity.id < next_id && identity.epoch >= 0;
}

}  // namespace

bool ProducerRegistry::is_full(std::uint32_t count) const { return next_id_ > kEndOfIds - count; }

Result<ProducerIdsAllocated> ProducerRegistry::decide(raft::NodeId broker,
                                                      std::uint32_t count) const {
  if (count < 1 || count > kMaxProducerIdBlock) {
    return fail(Errc::kInvalidArgument, "a block has 1 to " + std::to_string(kMaxProducerIdBlock) +
                                            " producer numbers, not " + std::to_string(count));
  }
  if (is_full(count)) return fail(Errc::kInternal, "producer numbers are used up");
  return ProducerIdsAllocated{broker, next_id_, count};
}

Result<ProducerRegistry::Registration> ProducerRegistry::decide(
    const RegisterProducer& command) const {
  if (!is_valid_name(command.name)) {
    return fail(Errc::kInvalidArgument, "a producer's name has 1 to " +
                                            std::to_string(kMaxProducerNameBytes) +
                                            " bytes, none of them a space or a control character");
  }
  if (command.instance.is_nil()) {
    return fail(Errc::kInvalidArgument, "a producer registers with the identity of its process");
  }
  const auto found = named_.find(command.name);
  const bool is_new = found == named_.end();
  if (is_new && command.known) {
    return fail(Errc::kUnknownProducer, "no producer " + quoted(command.name) + " is registered");
  }
  if (is_new && named_.size() >= kMaxNamedProducers) {
    return fail(Errc::kOverloaded,
                "there are " + std::to_string(kMaxNamedProducers) +
                    " named producers; forget those that do not write any more first");
  }
  if (!is_new) {
    const NamedProducer& now = found->second;
    const bool is_last = now.instance == command.instance;
    if (command.known && !is_last) {
      return fail(Errc::kProducerFenced, "another process writes as " + quoted(command.name) +
                                             " since, in epoch " +
                                             std::to_string(now.identity.epoch));
    }
    // Asked before, and the answer was lost.
    if (is_last && command.known != now.identity) return Registration{now.identity, std::nullopt};
  }
  const bool takes_id = is_new || found->second.identity.epoch == kMaxProducerEpoch;
  if (takes_id && is_full(1)) return fail(Errc::kInternal, "producer numbers are used up");
  const ProducerIdentity next =
      takes_id ? ProducerIdentity{next_id_, 0}
               : ProducerIdentity{found->second.identity.id,
                                  static_cast<std::int16_t>(found->second.identity.epoch + 1)};
  return Registration{next, ProducerRegistered{command.name, next, command.instance, command.now}};
}

Result<ProducerRegistry::NamedProducer> ProducerRegistry::find(std::string_view name) const {
  const auto found = named_.find(name);
  if (found == named_.end()) {
    return fail(Errc::kUnknownProducer,
                "no producer " + quoted(std::string(name)) + " is registered");
  }
  return found->second;
}

// --- records

std::optional<std::string> ProducerRegistry::apply(const ProducerIdsAllocated& record) {
  if (record.first != next_id_ || record.count < 1 || record.count > kMaxProducerIdBlock ||
      is_full(record.count)) {
    return "allocates producer numbers that are not the next ones";
  }
  next_id_ += record.count;
  return std::nullopt;
}

std::optional<std::string> ProducerRegistry::apply(const ProducerRegistered& record) {
  const auto found = named_.find(record.name);
  const ProducerIdentity& next = record.identity;
  const bool is_new_number = next.id == next_id_ && next.epoch == 0 && !is_full(1);
  const bool is_next_epoch = found != named_.end() && next.id == found->second.identity.id &&
                             next.epoch > 0 && next.epoch - 1 == found->second.identity.epoch;
  if (!is_valid_name(record.name) || record.instance.is_nil()) {
    return "registers an impossible producer";
  }
  if (!is_new_number && !is_next_epoch) return "registers a producer out of order";
  if (is_new_number) ++next_id_;
  named_[record.name] = {next, record.instance, record.at};
  return std::nullopt;
}

std::optional<std::string> ProducerRegistry::apply(const ProducerForgotten& record) {
  if (named_.erase(record.name) == 0) return "forgets a producer that is not registered";
  return std::nullopt;
}

std::optional<ProducerRegistry> ProducerRegistry::restore(Named named, std::int64_t next_id) {
  if (next_id < kFirstId) return std::nullopt;
  std::set<std::int64_t> ids;
  for (const auto& [name, one] : named) {
    if (!is_valid_name(name) || one.instance.is_nil() ||
        !is_identity(one.identity, kFirstId, next_id) || !ids.insert(one.identity.id).second) {
      return std::nullopt;
    }
  }
  ProducerRegistry registry;
  registry.named_ = std::move(named);
  registry.next_id_ = next_id;
  return registry;
}

}  // namespace penstock::broker
