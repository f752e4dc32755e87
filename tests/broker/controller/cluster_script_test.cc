// Runs testdata/*.txt: conversations with the metadata state machine.
//
// A block is a command, "----", and what came of it: the records that were applied and the answer.
// Topic ids are written #1, #2 in order of creation. PENSTOCK_REWRITE=1 writes what is into the
// files.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "broker/controller/cluster_state.h"

namespace penstock::broker {
namespace {

namespace fs = std::filesystem;

const Timestamp kNow(1'700'000'000'000);

Uuid numbered_id(int number) {
  Uuid id;
  id.bytes[15] = std::byte(number);
  return id;
}

std::string with_short_ids(std::string text) {
  for (int n = 1; n < 100; ++n) {
    const std::string id = numbered_id(n).to_string();
    for (auto at = text.find(id); at != std::string::npos; at = text.find(id)) {
      text.replace(at, id.size(), "#" + std::to_string(n));
    }
  }
  return text;
}

// "name key=value key=value"
struct Arguments {
  std::string verb;
  std::string name;
  SettingMap pairs;

  explicit Arguments(const std::string& line) {
    std::istringstream words(line);
    words >> verb;
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals == std::string::npos) {
        name = word;
      } else {
        pairs[word.substr(0, equals)] = word.substr(equals + 1);
      }
    }
  }
  std::string take(const std::string& key, std::string otherwise) {
    const auto found = pairs.find(key);
    if (found == pairs.end()) return otherwise;
    std::string value = found->second;
    pairs.erase(found);
    return value;
  }
  std::uint32_t take_number(const std::string& key, const std::string& otherwise) {
    return static_cast<std::uint32_t>(std::stoul(take(key, otherwise)));
  }
};

class Conversation {
 public:
  std::string run(const std::string& line) {
    Arguments args(line);
    if (args.verb == "create") return create(args);
    if (args.verb == "delete") return carry_out(state_.handle(DeleteTopic{args.name, kNow}));
    if (args.verb == "alter") return alter(args);
    if (args.verb == "start")
      return carry_out(state_.handle(StartBroker{1, numbered_id(99), kNow}));
    if (args.verb == "forget") {
      return carry_out(state_.handle(ForgetTopic{numbered_id(std::stoi(args.name.substr(1)))}));
    }
    if (args.verb == "state") return state();
    return "no such command: " + args.verb + "\n";
  }

 private:
  std::string create(Arguments& args) {
    CreateTopic command{.name = args.name,
                        .partitions = args.take_number("partitions", "1"),
                        .replication_factor = args.take_number("replication", "0"),
                        .settings = {},
                        .id = numbered_id(next_id_),
                        .now = kNow};
    command.settings = args.pairs;
    const std::string told = carry_out(state_.handle(command));
    if (told.starts_with("applied")) ++next_id_;
    return told;
  }

  std::string alter(Arguments& args) {
    AlterTopic command{.name = args.name, .set = {}, .reset = {}, .partitions = 0};
    command.partitions = args.take_number("partitions", "0");
    std::istringstream names(args.take("reset", ""));
    for (std::string name; std::getline(names, name, ',');) command.reset.push_back(name);
    command.set = args.pairs;
    return carry_out(state_.handle(command));
  }

  template <typename Answer>
  std::string carry_out(const Result<Decision<Answer>>& decision) {
    if (!decision) return decision.error().to_string() + "\n";
    if (decision->records.empty()) return "nothing to do\n";
    std::string told;
    for (const MetadataRecord& record : decision->records) {
      const Status applied = state_.apply(next_offset_, record);
      next_offset_ = next_offset_ + 1;
      told += "applied " + to_string(record) + "\n";
      if (!applied) told += applied.error().to_string() + "\n";
    }
    return with_short_ids(told);
  }

  std::string state() const {
    const ImagePtr image = state_.image();
    std::string text = "epoch=" + std::to_string(image->leader_epoch().value()) +
                       " applied=" + std::to_string(image->applied().value()) +
                       " partitions=" + std::to_string(state_.partition_count()) + "\n";
    for (const auto& [name, topic] : image->topics()) {
      text += name + " " + topic->id.to_string() +
              " partitions=" + std::to_string(topic->partitions) + " placed=";
      for (const auto& [first, offset] : topic->placed_from) {
        text += "[" + std::to_string(first) + "@" + std::to_string(offset.value()) + "]";
      }
      for (const auto& [setting, value] : topic->own_settings) text += " " + setting + "=" + value;
      text += "\n";
    }
    for (const auto& [id, name] : state_.deleted())
      text += "deleted " + id.to_string() + " " + name + "\n";
    return with_short_ids(text);
  }

  ClusterState state_;
  Offset next_offset_;
  int next_id_ = 1;
};

std::string replay(const fs::path& path) {
  std::ifstream in(path);
  Conversation conversation;
  std::string out;
  std::string command;
  bool in_expected = false;
  for (std::string line; std::getline(in, line);) {
    if (line == "----") {
      out += "----\n" + conversation.run(command);
      in_expected = true;
    } else if (line.empty()) {
      out += "\n";
      in_expected = false;
    } else if (!in_expected) {
      if (!line.starts_with("#")) command = line;
      out += line + "\n";
    }
  }
  return out;
}

std::string read_all(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(ClusterScript, EveryConversationGoesAsWritten) {
  const char* source = std::getenv("PENSTOCK_SOURCE_DIR");
  ASSERT_NE(source, nullptr) << "run through ctest, or set PENSTOCK_SOURCE_DIR";
  int scripts = 0;
  for (const auto& entry :
       fs::directory_iterator(fs::path(source) / "tests/broker/controller/testdata")) {
    if (entry.path().extension() != ".txt") continue;
    ++scripts;
    const std::string told = replay(entry.path());
    if (std::getenv("PENSTOCK_REWRITE") != nullptr) std::ofstream(entry.path()) << told;
    EXPECT_EQ(told, read_all(entry.path())) << entry.path();
  }
  EXPECT_GE(scripts, 3);
}

}  // namespace
}  // namespace penstock::broker
