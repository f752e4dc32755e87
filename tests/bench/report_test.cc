#include "bench/report.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/file.h"

namespace penstock::bench {
namespace {

TEST(Figure, IsOneLineOfKeysAndValues) {
  const Figure figure = Figure("BENCH_E2E")
                            .add("rate", 10000.0)
                            .add("p50_ms", 0.41239)
                            .add("errors", std::uint64_t{0});
  EXPECT_EQ(figure.line(), "BENCH_E2E rate=10000 p50_ms=0.4124 errors=0");
}

TEST(Figure, InJsonNumbersAreNumbersAndTextsAreQuoted) {
  const Figure figure = Figure("FLOOR").add("kind", "a\"b").add("mb_per_s", 1234.5);
  EXPECT_EQ(figure.json(), R"({"name": "FLOOR", "kind": "a\"b", "mb_per_s": 1234})");
}

TEST(FourDigits, NeverSayMoreThanWasMeasured) {
  EXPECT_EQ(four_digits(0), "0");
  EXPECT_EQ(four_digits(0.00012346), "0.0001235");
  EXPECT_EQ(four_digits(0.12344), "0.1234");
  EXPECT_EQ(four_digits(1.2344), "1.234");
  EXPECT_EQ(four_digits(123.44), "123.4");
  EXPECT_EQ(four_digits(1'512'345.6), "1512346");
  EXPECT_EQ(four_digits(1.0 / 0.0), "0") << "nothing was measured";
}

TEST(Table, NamesAreLeftAndNumbersRight) {
  std::ostringstream out;
  print_table(out, {{"flush", "0.14 ms"}, {"loopback", "3400 MB/s", "x"}});
  EXPECT_EQ(out.str(),
            "  flush       0.14 ms\n"
            "  loopback  3400 MB/s  x\n");
}

}  // namespace
}  // namespace penstock::bench
