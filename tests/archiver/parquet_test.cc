// Records survive the way through a Parquet file byte for byte.
#include "archiver/parquet.h"

#include <gmock/gmock.h>

#include <fstream>

#include "archiver/limits.h"
#include "base/coding.h"
#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

using ::testing::HasSubstr;

struct OwnedRow {
  std::int64_t offset;
  std::int32_t epoch;
  record::Record record;
  friend bool operator==(const OwnedRow&, const OwnedRow&) = default;
};

std::optional<Bytes> owned(const std::optional<ByteView>& view) {
  if (!view) return std::nullopt;
  return Bytes(view->begin(), view->end());
}

OwnedRow own(const record::RecordView& view, Term epoch) {
  OwnedRow row{.offset = view.offset.value(),
               .epoch = epoch.value(),
               .record = {.key = owned(view.key),
                          .value = owned(view.value),
                          .timestamp = view.timestamp,
                          .headers = {}}};
  for (const record::HeaderView& header : view.headers.decode()) {
    row.record.headers.push_back({.key = std::string(header.key), .value = owned(header.value)});
  }
  return row;
}

class ParquetTest : public ArchiveFixture {
 protected:
  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  // Writes `records` at offsets from `base` on; returns what was written.
  std::vector<OwnedRow> write(const std::string& file, const std::vector<record::Record>& records,
                              std::int64_t base) {
    auto writer = ParquetWriter::begin(*sql_);
    EXPECT_TRUE(writer.has_value()) << writer.error().to_string();
    std::vector<OwnedRow> rows;
    for (const record::Record& record : records) {
      std::vector<record::HeaderView> headers;
      for (const record::Header& header : record.headers) {
        headers.push_back({.key = header.key, .value = header.value});
      }
      const Bytes encoded = record::encode_headers(headers);
      const record::RecordView view{
          .offset = Offset(base + static_cast<std::int64_t>(rows.size())),
          .timestamp = record.timestamp,
          .key = record.key,
          .value = record.value,
          .headers = {static_cast<std::int32_t>(headers.size()), encoded}};
      const Term epoch(static_cast<std::int32_t>(rows.size() % 3) - 1);
      EXPECT_TRUE(writer->append(view, epoch).has_value());
      rows.push_back(own(view, epoch));
    }
    const auto finished = writer->finish(file);
    EXPECT_TRUE(finished.has_value()) << finished.error().to_string();
    figures_ = writer->figures();
    return rows;
  }

  std::vector<OwnedRow> read(const std::string& file) {
    std::vector<OwnedRow> rows;
    RecordFigures figures;
    const auto done = read_parquet(*sql_, file, [&](const auto& record, Term epoch) {
      rows.push_back(own(record, epoch));
      figures.add(record, epoch);
    });
    EXPECT_TRUE(done.has_value()) << done.error().to_string();
    EXPECT_EQ(figures, figures_);
    return rows;
  }

  RecordFigures figures_;
};

TEST_F(ParquetTest, AFolderThatLooksLikeAColumnIsNone) {
  ASSERT_TRUE(posix_env().create_dirs(path("offset=77")));
  const auto rows = write(path("offset=77/rows.parquet"), {text_record("a"), text_record("b")}, 5);
  std::vector<OwnedRow> read;
  ASSERT_TRUE(
      read_parquet(*sql_, path("offset=77/rows.parquet"),
                   [&](const auto& record, Term epoch) { read.push_back(own(record, epoch)); }));
  EXPECT_EQ(read, rows);
}

TEST_F(ParquetTest, RecordsOfEveryShapeComeBackAsTheyWere) {
  std::size_t records = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    Rng rng(seed);
    const auto some = any_records(rng, 1 + rng.below(6'000));
    const auto written = write(path("any.parquet"), some, static_cast<std::int64_t>(rng.below(99)));
    EXPECT_TRUE(read(path("any.parquet")) == written) << "seed " << seed;
    records += some.size();
  }
  std::printf("PARQUET seeds=12 records=%zu altered=0\n", records);
}

TEST_F(ParquetTest, NullAndEmptyAreNotTheSame) {
  const record::Record null_record{
      .key = std::nullopt, .value = std::nullopt, .timestamp = {}, .headers = {}};
  record::Record empty = null_record;
  empty.key = Bytes();
  empty.value = Bytes();
  empty.headers = {{.key = "", .value = std::nullopt}, {.key = "", .value = Bytes()}};
  write(path("null.parquet"), {null_record, empty}, 0);
  const auto rows = read(path("null.parquet"));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].record, null_record);
  EXPECT_EQ(rows[1].record, empty);
}

TEST_F(ParquetTest, ValuesLargerThanABlockOfRowsComeBack) {
  std::vector<record::Record> records;
  for (int i = 0; i < 5; ++i) {
    records.push_back(text_record(std::string(5U << 20, static_cast<char>('a' + i))));
  }
  const auto written = write(path("large.parquet"), records, 1'000'000'000'000);
  EXPECT_TRUE(read(path("large.parquet")) == written);
}

TEST_F(ParquetTest, AFileWithoutRecordsIsAFile) {
  write(path("none.parquet"), {}, 0);
  EXPECT_TRUE(read(path("none.parquet")).empty());
}

class ParquetMemoryTest : public ParquetTest {
 protected:
  // Appends records of incompressible values until the writer is full or `count` are in.
  std::uint64_t write_large(engine::Connection& sql, std::size_t value_bytes, int count) {
    auto writer = ParquetWriter::begin(sql);
    Rng rng(3);
    Bytes value(value_bytes);
    for (int i = 0; i < count && !writer->full(); ++i) {
      for (std::size_t at = 0; at + 8 <= value.size(); at += 8) {
        store_le(value.data() + at, rng.next());
      }
      const auto appended = writer->append({.offset = Offset(i),
                                            .timestamp = Timestamp(i),
                                            .key = std::nullopt,
                                            .value = value,
                                            .headers = {}},
                                           Term(0));
      EXPECT_TRUE(appended.has_value()) << appended.error().to_string();
    }
    const auto finished = writer->finish(path("large.parquet"));
    EXPECT_TRUE(finished.has_value()) << finished.error().to_string();
    figures_ = writer->figures();
    RecordFigures read;
    const auto done = read_parquet(sql, path("large.parquet"), [&](const auto& record, Term epoch) {
      read.add(record, epoch);
    });
    EXPECT_TRUE(done.has_value()) << done.error().to_string();
    EXPECT_EQ(read, figures_);
    return figures_.records;
  }

  std::unique_ptr<engine::Database> small_database_ =
      engine::Database::open(
          {.memory_limit_mb = kMinWorkerSqlMb, .threads = 1, .temporary_dir = folder_ + "/spill"})
          .value();
};

TEST_F(ParquetMemoryTest, LargeRecordsFitTheLeastMemoryOfAWorker) {
  const auto sql = small_database_->connect().value();
  EXPECT_EQ(write_large(*sql, 8U << 20, 100), 6U);
  EXPECT_LT(write_large(*sql, 100'000, 2'000), 600U);
}

TEST_F(ParquetMemoryTest, ManyRecordsFitItToo) {
  const auto sql = small_database_->connect().value();
  const std::uint64_t records = write_large(*sql, 4'000, 100'000);
  EXPECT_GE(records * 4'000, kMaxChunkRawBytes) << "the object was closed by its raw size";
}

TEST_F(ParquetTest, AnythingElseIsCorrupt) {
  std::ofstream(path("text.parquet")) << "no parquet";
  const auto garbage = read_parquet(*sql_, path("text.parquet"), [](const auto&, Term) {});
  EXPECT_EQ(garbage.error().code(), Errc::kCorrupt);

  ASSERT_TRUE(sql_->run("COPY (SELECT 1::BIGINT AS \"offset\", 2::BIGINT AS timestamp_ms, "
                        "3::INTEGER AS leader_epoch, 'k' AS \"key\", 'v'::BLOB AS \"value\", "
                        "[{'key': 'k'::BLOB, 'value': 'v'::BLOB}] AS headers) TO " +
                        engine::literal(path("types.parquet")) + " (FORMAT parquet)")
                  .has_value());
  const auto types = read_parquet(*sql_, path("types.parquet"), [](const auto&, Term) {});
  EXPECT_EQ(types.error().code(), Errc::kCorrupt);
  EXPECT_THAT(types.error().message(), HasSubstr("VARCHAR"));

  const auto absent = read_parquet(*sql_, path("absent.parquet"), [](const auto&, Term) {});
  EXPECT_EQ(absent.error().code(), Errc::kCorrupt);
}

}  // namespace
}  // namespace penstock::archiver
