#include "fakes/fake_disk.h"

#include <algorithm>

namespace penstock::fakes {
namespace {

void apply_write(Bytes& contents, std::uint64_t position, ByteView bytes) {
  if (contents.size() < position + bytes.size()) contents.resize(position + bytes.size());
  std::ranges::copy(bytes, contents.begin() + static_cast<std::ptrdiff_t>(position));
}

// The parts of a write that lie in different sectors reach the disk or not, each for itself.
void apply_some_sectors(Bytes& contents, const FakeFile::Change& write, Rng& rng) {
  std::uint64_t at = write.position;
  const std::uint64_t end = write.position + write.bytes.size();
  while (at < end) {
    const std::uint64_t stop = std::min(end, (at / kSectorBytes + 1) * kSectorBytes);
    if (rng.below(2) == 0) {
      apply_write(contents, at, ByteView(write.bytes).subspan(at - write.position, stop - at));
    }
    at = stop;
  }
}

void apply_change(FakeDir::Entries& entries, const FakeDir::Change& change) {
  if (!change.renamed_from.empty()) entries.erase(change.renamed_from);
  if (change.file) {
    entries[change.name] = change.file;
  } else {
    entries.erase(change.name);
  }
}

}  // namespace

void FakeFile::write(std::uint64_t position, ByteView bytes, Moment at) {
  apply_write(seen, position, bytes);
  journal.push_back({Change::Kind::kWrite, position, Bytes(bytes.begin(), bytes.end()), at});
}

void FakeFile::resize(std::uint64_t size, Moment at) {
  if (size == seen.size()) return;
  seen.resize(size);
  journal.push_back({Change::Kind::kResize, size, {}, at});
}

void FakeFile::sync(Moment until) {
  const auto later =
      std::ranges::find_if(journal, [until](const Change& change) { return change.at >= until; });
  for (auto change = journal.begin(); change != later; ++change) {
    if (change->kind == Change::Kind::kWrite) {
      apply_write(durable, change->position, change->bytes);
    } else {
      durable.resize(change->position);
    }
  }
  journal.erase(journal.begin(), later);
}

bool FakeFile::is_safe(std::uint64_t begin, std::uint64_t end) const {
  if (begin > end || end > durable.size() || end > seen.size()) return false;
  const bool is_touched = std::ranges::any_of(journal, [&](const Change& change) {
    if (change.kind == Change::Kind::kResize) return change.position < end;
    return change.position < end && change.position + change.bytes.size() > begin;
  });
  const auto size = static_cast<std::size_t>(end - begin);
  return !is_touched && equal(ByteView(durable).subspan(static_cast<std::size_t>(begin), size),
                              ByteView(seen).subspan(static_cast<std::size_t>(begin), size));
}

void FakeFile::lose_unsynced() {
  std::erase_if(journal, [](const Change& change) { return change.kind == Change::Kind::kWrite; });
}

void FakeFile::crash(Survives survives, Rng& rng) {
  if (survives == Survives::kEverything) sync();
  if (survives == Survives::kRandomPart) {
    for (const Change& change : journal) {
      if (change.kind == Change::Kind::kWrite) {
        apply_some_sectors(durable, change, rng);
      } else if (rng.below(2) == 0) {
        durable.resize(change.position);
      }
    }
  }
  journal.clear();
  seen = durable;
}

void FakeDir::set(const std::string& name, std::shared_ptr<FakeFile> file, Moment at) {
  journal.push_back({name, std::move(file), {}, at});
  apply_change(seen, journal.back());
}

void FakeDir::rename(const std::string& from, const std::string& to, Moment at) {
  journal.push_back({to, seen.at(from), from, at});
  apply_change(seen, journal.back());
}

void FakeDir::sync(Moment until) {
  const auto later =
      std::ranges::find_if(journal, [until](const Change& change) { return change.at >= until; });
  if (later == journal.end()) {
    durable = seen;
  } else {
    for (auto change = journal.begin(); change != later; ++change) apply_change(durable, *change);
  }
  journal.erase(journal.begin(), later);
}

bool FakeDir::is_safe(const std::string& name) const {
  const auto now = seen.find(name);
  const auto kept = durable.find(name);
  const bool is_there = now != seen.end() && kept != durable.end() && now->second == kept->second;
  return is_there && std::ranges::none_of(journal, [&](const Change& change) {
           return change.name == name || change.renamed_from == name;
         });
}

void FakeDir::crash(Survives survives, Rng& rng) {
  if (survives == Survives::kEverything) sync();
  if (survives == Survives::kRandomPart) {
    for (const Change& change : journal) {
      if (rng.below(2) == 0) apply_change(durable, change);
    }
  }
  journal.clear();
  seen = durable;
}

}  // namespace penstock::fakes
