#include "tools/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::tools {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<FlagSpec> kProduceFlags = {
    {.name = "key_field", .value = "NAME"},
    {.name = "rate", .value = "N", .default_value = "0"},
    {.name = "skip_bad", .kind = FlagKind::kSwitch},
    {.name = "header", .value = "K=V", .kind = FlagKind::kList},
    {.name = "output_format", .value = "FORMAT", .default_value = "%s\\n", .letter = 'f'},
};
const std::vector<FlagSpec> kElsewhere = {{.name = "follow", .kind = FlagKind::kSwitch}};

Result<Arguments> parse(std::vector<std::string> words) {
  return parse_arguments(words, kProduceFlags, kElsewhere);
}

std::string fault(std::vector<std::string> words) {
  const auto parsed = parse(std::move(words));
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code(), Errc::kInvalidArgument);
  return parsed.error().message();
}

TEST(ArgumentsTest, FlagsAndOperandsMayBeMixed) {
  const auto arguments = parse({"orders", "--key_field=id", "file.ndjson", "--skip_bad"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(arguments->operands(), ElementsAre("orders", "file.ndjson"));
  EXPECT_EQ(arguments->text("key_field"), "id");
  EXPECT_TRUE(arguments->is_on("skip_bad"));
}

TEST(ArgumentsTest, HyphensAndUnderscoresAreTheSame) {
  EXPECT_EQ(parse({"--key-field=id"})->text("key_field"), "id");
  EXPECT_EQ(parse({"--key_field", "id"})->text("key_field"), "id");
  EXPECT_EQ(parse({"-key_field", "id"})->text("key_field"), "id");
}

TEST(ArgumentsTest, AHyphenInAValueStays) {
  EXPECT_EQ(parse({"--key-field=event-id"})->text("key_field"), "event-id");
}

TEST(ArgumentsTest, ALetterTakesItsValueFromTheNextWordOrBehindAnEqualsSign) {
  EXPECT_EQ(parse({"-f", "%o %k"})->text("output_format"), "%o %k");
  EXPECT_EQ(parse({"-f=%o"})->text("output_format"), "%o");
}

TEST(ArgumentsTest, WhatIsNotGivenHasItsDefault) {
  const auto arguments = parse({});
  EXPECT_EQ(arguments->text("rate"), "0");
  EXPECT_FALSE(arguments->is_on("skip_bad"));
  EXPECT_FALSE(arguments->given("rate"));
  EXPECT_EQ(arguments->text("key_field"), "");
}

TEST(ArgumentsTest, TheLastOfSeveralCountsAndAListKeepsAll) {
  const auto arguments = parse({"--rate=1", "--rate=2", "--header=a=1", "--header", "b=2"});
  EXPECT_EQ(arguments->text("rate"), "2");
  EXPECT_THAT(arguments->all("header"), ElementsAre("a=1", "b=2"));
}

TEST(ArgumentsTest, ASwitchCanBeTurnedOffAgain) {
  EXPECT_FALSE(parse({"--skip_bad", "--noskip_bad"})->is_on("skip_bad"));
  EXPECT_FALSE(parse({"--skip_bad=false"})->is_on("skip_bad"));
  EXPECT_TRUE(parse({"--skip-bad=1"})->is_on("skip_bad"));
  EXPECT_THAT(fault({"--skip_bad=maybe"}), HasSubstr("takes true or false, not 'maybe'"));
}

TEST(ArgumentsTest, ADashNegativeNumbersAndWhatFollowsTwoDashesAreOperands) {
  EXPECT_THAT(parse({"orders", "-"})->operands(), ElementsAre("orders", "-"));
  EXPECT_THAT(parse({"-10"})->operands(), ElementsAre("-10"));
  EXPECT_THAT(parse({"--", "--skip_bad"})->operands(), ElementsAre("--skip_bad"));
}

TEST(ArgumentsTest, AMisspeltFlagIsAnsweredWithTheNearestOne) {
  EXPECT_EQ(fault({"--kye_field=id"}), "unknown flag --kye_field: did you mean --key_field?");
  EXPECT_EQ(fault({"--skip-bed"}), "unknown flag --skip-bed: did you mean --skip_bad?");
}

TEST(ArgumentsTest, AFlagLikeNoneIsAnsweredWithoutAGuess) {
  EXPECT_EQ(fault({"--zzzzzzzz"}), "unknown flag --zzzzzzzz");
}

TEST(ArgumentsTest, AFlagOfAnotherCommandIsCalledThat) {
  EXPECT_EQ(fault({"--follow"}),
            "unknown flag --follow: another command has it, this one does not");
}

TEST(ArgumentsTest, AValueThatLooksLikeAFlagIsNotSwallowed) {
  EXPECT_EQ(fault({"--key_field", "--skip_bad"}),
            "flag --key_field needs a value: --key_field=VALUE");
  EXPECT_EQ(fault({"--rate"}), "flag --rate needs a value: --rate=VALUE");
}

TEST(ArgumentsTest, NumbersAreCheckedAgainstTheirRange) {
  EXPECT_EQ(*parse({"--rate=17"})->integer("rate", 0), 17);
  EXPECT_EQ(*parse({"--rate=1.5"})->number("rate", 0, 1e9), 1.5);
  const auto text = parse({"--rate=1o"})->integer("rate", 0, 99);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message(), "flag --rate takes a whole number from 0 to 99, not '1o'");
  EXPECT_FALSE(parse({"--rate=100"})->integer("rate", 0, 99));
  EXPECT_FALSE(parse({"--rate=99999999999999999999"})->integer("rate"));
  EXPECT_FALSE(parse({"--rate=nan"})->number("rate", 0, 1e9));
  EXPECT_FALSE(parse({"--rate="})->number("rate", 0, 1e9));
}

TEST(ArgumentsTest, FlagsBeforeTheCommandAreCountedWithTheirValues) {
  const std::vector<std::string> words = {"--rate", "5", "--skip_bad", "produce", "--rate=1"};
  EXPECT_EQ(leading_flags(words, kProduceFlags), 3U);
  const std::vector<std::string> plain = {"produce", "--rate=1"};
  EXPECT_EQ(leading_flags(plain, kProduceFlags), 0U);
}

}  // namespace
}  // namespace penstock::tools
