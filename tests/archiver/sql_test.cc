// SQL over the archive of real events, and of values that are none.
#include "archiver/sql.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>
#include <limits>
#include <sstream>

#include "tests/archiver/archive_fixture.h"

namespace penstock::archiver {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SqlTest : public ArchiveFixture {
 protected:
  std::string run(const std::string& statement, SqlFormat format = SqlFormat::kCsv,
                  std::size_t width = 0) {
    SqlOptions options;
    options.format = format;
    options.width = width;
    options.threads = 1;
    std::ostringstream out;
    const auto done = run_sql(*store_, statement, options, out);
    return done ? out.str() : "ERROR " + done.error().to_string();
  }

  // The lines of an example file, as values of a topic of two partitions.
  void archive_file(const std::string& topic, const std::string& file) {
    const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
    std::ifstream in(std::string(source == nullptr ? "." : source) + "/examples/data/" + file);
    ASSERT_TRUE(in.good()) << file;
    log_.create(topic, 2);
    std::vector<record::Record> batch;
    std::int32_t partition = 0;
    for (std::string line; std::getline(in, line);) {
      batch.push_back(text_record(line));
      if (batch.size() < 500) continue;
      log_.append(topic, partition, batch, record::Codec::kZstd);
      partition = 1 - partition;
      batch.clear();
    }
    if (!batch.empty()) log_.append(topic, partition, batch);
    archive_once();
  }

  void archive_values(const std::string& topic, const std::vector<std::string>& values) {
    log_.create(topic);
    for (const std::string& value : values) log_.append(topic, value);
    archive_once();
  }
};

TEST_F(SqlTest, TopicsThatDifferInCaseAloneHaveAViewEach) {
  archive_values("orders", {"lower"});
  archive_values("Orders", {"upper"});
  EXPECT_EQ(run("select _value from \"Orders\""), "_value\nupper\n");
  EXPECT_EQ(run("select _value from orders_2"), "_value\nlower\n");
  EXPECT_THAT(run("select * from orders_3"), HasSubstr("Orders, orders_2"));
}

TEST_F(SqlTest, TheStrongestQuakes) {
  archive_file("earthquakes", "earthquakes.ndjson");
  EXPECT_EQ(run("select id, mag, place from earthquakes order by mag desc, id limit 3"),
            "id,mag,place\n"
            "us1000chhc,6.4,\"22km NNE of Hualian, Taiwan\"\n"
            "us1000cfn6,6.1,\"21km NNE of Hualian, Taiwan\"\n"
            "us2000crmu,6.1,\"35km S of Jarm, Afghanistan\"\n");
  EXPECT_EQ(run("select count(*) as n, count(nst) < count(*) as some_null from earthquakes"),
            "n,some_null\n1707,true\n");
}

TEST_F(SqlTest, TheMeanDelayByOrigin) {
  archive_file("flights", "flights.ndjson");
  EXPECT_EQ(run("select origin, count(*) as flights, round(avg(delay), 1) as mean_delay from "
                "flights group by origin having count(*) >= 300 order by mean_delay desc limit 2"),
            "origin,flights,mean_delay\nSMF,471,11.7\nLAX,908,11.5\n");
}

TEST_F(SqlTest, PositionTimeAndKeyAreColumnsToo) {
  log_.create("orders", 2);
  record::Record keyed = text_record("{\"a\":1}", Timestamp(1'700'000'000'123));
  keyed.key = Bytes{std::byte{'k'}};
  log_.append("orders", 0, {text_record("{\"a\":0}", Timestamp(-1))});
  log_.append("orders", 1, {keyed});
  archive_once();
  EXPECT_EQ(run("from orders order by _partition"),
            "_partition,_offset,_timestamp,_key,_value,a\n"
            "0,0,,,\"{\"\"a\"\":0}\",0\n"
            "1,0,2023-11-14 22:13:20.123,k,\"{\"\"a\"\":1}\",1\n");
}

TEST_F(SqlTest, AValueThatIsNoObjectHasNullFields) {
  archive_values("mixed", {R"({"a":1,"b":"x"})", "plain", "[1]", "5", R"({"a":"two"})", "{broken"});
  EXPECT_EQ(run("select _value, a, b from mixed order by _offset"),
            "_value,a,b\n"
            "\"{\"\"a\"\":1,\"\"b\"\":\"\"x\"\"}\",1,x\n"
            "plain,,\n[1],,\n5,,\n"
            "\"{\"\"a\"\":\"\"two\"\"}\",\"\"\"two\"\"\",\n"
            "{broken,,\n");
}

TEST_F(SqlTest, NestedObjectsAreStructs) {
  archive_values("nested", {R"({"pos":{"x":1,"y":[1,2]}})", R"({"pos":{"x":2}})"});
  EXPECT_EQ(run("select pos.x, pos.y[1] as first from nested order by pos.x"),
            "x,first\n1,1\n2,\n");
}

TEST_F(SqlTest, NamesThatClashAreNumbered) {
  archive_values("clash", {R"({"_offset":"mine","id":1,"ID":2,"":3,"a b":4})"});
  EXPECT_EQ(run("select _offset, _offset_2, id, id_2, field, \"a b\" from clash"),
            "_offset,_offset_2,id,ID_2,field,a b\n0,mine,1,2,3,4\n");
}

TEST_F(SqlTest, ATopicThatIsNoJsonHasItsValuesAlone) {
  archive_values("lines", {"one", "two"});
  EXPECT_EQ(run("select * exclude (_timestamp) from lines where _value like 't%'"),
            "_partition,_offset,_key,_value\n0,1,,two\n");
}

TEST_F(SqlTest, BinaryValuesAreBlobs) {
  archive_values("raw", {std::string("\xff\x00\x01", 3), "text"});
  EXPECT_EQ(run("select typeof(_value) as t, octet_length(_value) as n from raw order by n"),
            "t,n\nBLOB,3\nBLOB,4\n");
}

TEST_F(SqlTest, AnOddTopicNameIsQuoted) {
  archive_values("my.topic-1", {R"({"a":1})"});
  EXPECT_EQ(run("select a from \"my.topic-1\""), "a\n1\n");
}

TEST_F(SqlTest, ATopicWithoutRecordsIsAnEmptyView) {
  log_.create("empty");
  archive_once();
  EXPECT_EQ(run("select count(*) as n from empty"), "n\n0\n");
}

TEST_F(SqlTest, AnyTimestampCanBeSelected) {
  log_.create("times");
  log_.append("times", 0,
              {text_record("x", Timestamp(std::numeric_limits<std::int64_t>::max() / 2)),
               text_record("y", Timestamp(-86'400'000))});
  archive_once();
  EXPECT_EQ(run("select _timestamp from times order by _offset"),
            "_timestamp\n\n1969-12-31 00:00:00\n");
}

TEST_F(SqlTest, TablesShowNullsAndFitTheTerminal) {
  archive_values("wide", {"{\"id\":1,\"text\":\"" + std::string(200, 'x') + "\",\"gone\":null}"});
  EXPECT_EQ(run("select id, gone from wide", SqlFormat::kTable),
            "id  gone\n--  ----\n 1  NULL\n(1 row)\n");
  std::istringstream lines(run("select id, text from wide", SqlFormat::kTable, 40));
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 42U) << line;
  EXPECT_THAT(run("select id, text from wide", SqlFormat::kTable),
              HasSubstr(std::string(200, 'x')));
}

TEST_F(SqlTest, ARecordCannotDriveTheTerminal) {
  archive_values("evil", {"\x1b[2Jcleared"});
  EXPECT_THAT(run("select _value from evil", SqlFormat::kTable), HasSubstr("\\x1b[2Jcleared"));
}

TEST_F(SqlTest, NdjsonKeepsTypes) {
  archive_values("typed", {R"({"n":1,"s":"q\"uote","l":[1,2],"o":{"k":true},"z":null})"});
  EXPECT_EQ(run("select n, s, l, o, z from typed", SqlFormat::kNdjson),
            "{\"n\":1,\"s\":\"q\\\"uote\",\"l\":[1,2],\"o\":{\"k\":true},\"z\":null}\n");
  EXPECT_EQ(run("select 'inf'::double as a, 'nan'::float as b, 2.5 as c", SqlFormat::kNdjson),
            "{\"a\":null,\"b\":null,\"c\":2.5}\n");
}

TEST_F(SqlTest, TwoColumnsMayHaveOneName) {
  archive_values("t", {"x"});
  EXPECT_EQ(run("select 1 as a, 2 as a from t;"), "a,a\n1,2\n");
}

TEST_F(SqlTest, TheCatalogNamesEveryTopic) {
  archive_values("one", {R"({"a":1})"});
  archive_values("two", {"x"});
  EXPECT_EQ(run("show tables"), "name\none\ntwo\n");
  EXPECT_THAT(run("describe one"), HasSubstr("a,BIGINT"));
  EXPECT_THAT(archived_topics(*store_).value(), ElementsAre("one", "two"));
}

TEST_F(SqlTest, AnUnknownTopicIsAnsweredWithThoseThereAre) {
  archive_values("orders", {"x"});
  const std::string answer = run("select * from oders");
  EXPECT_THAT(answer, StartsWith("ERROR SqlError"));
  EXPECT_THAT(answer, HasSubstr("Topics in the archive: orders"));
}

TEST_F(SqlTest, NothingCanBeWrittenOrReachedButTheArchive) {
  archive_values("orders", {"x"});
  const std::string object = store_->location(manifest("orders").chunks[0].object);
  const std::string outside = folder_ + "/outside";
  std::ofstream(outside) << "secret";
  for (const std::string& statement : std::vector<std::string>{
           "copy orders to '" + outside + "'",
           "copy (select 1 from orders) to '" + object + "' (use_tmp_file false)",
           "explain analyze copy (select 1 from orders) to '" + object + "' (use_tmp_file false)",
           "EXPLAIN (ANALYZE) copy (select 1 from orders) to '" + object + "'",
           "create table t as from orders",
           "attach '" + outside + ".db' as other",
           "select * from read_text('" + outside + "')",
           "select * from glob('" + folder_ + "/*')",
           "select * from read_csv('" + store_->location("orders/0/manifest.json") + "')",
           "set enable_external_access = true",
           "reset lock_configuration",
           "pragma profiling_output = '" + outside + "'",
           "install httpfs",
           "load '" + outside + "'",
           "export database '" + outside + "'",
           "select 1; drop view orders",
           "delete from orders",
           "call pragma_version()",
           "",
           "select",
       }) {
    EXPECT_THAT(run(statement), StartsWith("ERROR SqlError")) << statement;
  }
  EXPECT_EQ(as_text(posix_env().read_file(outside, 100).value()), "secret");
  EXPECT_EQ(run("select _value from orders"), "_value\nx\n");
}

TEST_F(SqlTest, ADamagedManifestIsAnErrorAndNotAnEmptyTopic) {
  archive_values("orders", {"x"});
  ASSERT_TRUE(posix_env().replace_file(store_->location("orders/0/manifest.json"), as_bytes("{}")));
  EXPECT_THAT(run("select * from orders"), StartsWith("ERROR Corrupt"));
}

TEST_F(SqlTest, ObjectsThatNoManifestNamesAreNotRead) {
  archive_values("orders", {"x"});
  const std::string stray = folder_ + "/stray";
  const std::string object = store_->location(manifest("orders").chunks[0].object);
  ASSERT_TRUE(posix_env().replace_file(stray, posix_env().read_file(object, 1U << 20).value()));
  ASSERT_TRUE(store_->put_file("orders/0/2023/11/14/22/00000000000000000099.parquet", stray));
  EXPECT_EQ(run("select count(*) as n from orders"), "n\n1\n");
}

}  // namespace
}  // namespace penstock::archiver
