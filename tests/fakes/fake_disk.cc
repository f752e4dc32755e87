#include "tests/fakes/fake_disk.h"

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

void FakeFile::write(std::uint64_t position, ByteView bytes) {
  apply_write(seen, position, bytes);
  journal.push_back({Change::Kind::kWrite, position, Bytes(bytes.begin(), bytes.end())});
}

void FakeFile::resize(std::uint64_t size) {
  if (size == seen.size()) return;
  seen.resize(size);
  journal.push_back({Change::Kind::kResize, size, {}});
}

void FakeFile::sync() {
  for (const Change& change : journal) {
    if (change.kind == Change::Kind::kWrite) {
      apply_write(durable, change.position, change.bytes);
    } else {
      durable.resize(change.position);
    }
  }
  journal.clear();
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

void FakeDir::set(const std::string& name, std::shared_ptr<FakeFile> file) {
  journal.push_back({name, std::move(file), {}});
  apply_change(seen, journal.back());
}

void FakeDir::rename(const std::string& from, const std::string& to) {
  journal.push_back({to, seen.at(from), from});
  apply_change(seen, journal.back());
}

void FakeDir::sync() {
  durable = seen;
  journal.clear();
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
