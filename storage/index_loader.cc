#include "storage/index_loader.h"

#include "storage/limits.h"
#include "storage/segment_index.h"

namespace penstock::storage {
namespace {

// The runs of the side file up to the wanted place; empty when they do not cover it.
std::vector<Run> runs_from_file(const IndexSource& source, ByteView file) {
  IndexContents contents = decode_index(file);
  if (!contents.header || contents.header->segment_base != source.base ||
      contents.header->identity.partition != source.identity.partition) {
    return {};
  }
  std::size_t count = 0;
  while (count < contents.runs.size() &&
         contents.runs[count].end_position() <= source.end_position) {
    ++count;
  }
  contents.runs.resize(count);
  if (!covers(contents.runs, source.end_position, source.end_delta)) return {};
  return std::move(contents.runs);
}

}  // namespace

Result<LoadedIndex> load_index(const IndexSource& source) {
  LoadedIndex loaded;
  if (source.end_delta == 0) return loaded;
  const auto file = source.env->read_file(source.path, kMaxIndexBytes);
  if (file) loaded.runs = runs_from_file(source, *file);
  if (!loaded.runs.empty()) return loaded;
  if (!file && file.error().code() == Errc::kIoError) return fail(file.error());

  PENSTOCK_TRY_ASSIGN(RebuiltRuns rebuilt,
                      rebuild_runs(*source.log, Run{},
                                   RebuildOptions{.segment_base = source.base,
                                                  .run_bytes = source.run_bytes,
                                                  .now = source.now,
                                                  .limit = source.end_position,
                                                  .known_end = source.base + source.end_delta}));
  loaded.rebuilt = true;
  loaded.runs = std::move(rebuilt.runs);
  if (!rebuilt.open.empty()) loaded.runs.push_back(rebuilt.open);
  loaded.gaps = std::move(rebuilt.gaps);
  return loaded;
}

}  // namespace penstock::storage
