// Runs testdata/*.txt: conversations with the metadata state machine.
//
// A block is a command, "----", and what came of it: the records that were applied and the answer.
// Topic ids are written #1, #2 in order of creation, directories d1, d2. PENSTOCK_REWRITE=1 writes
// what is into the files.
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

constexpr int kFirstDirectory = 100;  // numbers below are topics

// "d3"
Uuid directory_called(const std::string& name) {
  return numbered_id(kFirstDirectory + std::stoi(name.substr(1)));
}

std::string with_short_ids(std::string text) {
  for (int n = 1; n < 2 * kFirstDirectory; ++n) {
    const std::string id = numbered_id(n).to_string();
    const std::string short_id =
        n < kFirstDirectory ? "#" + std::to_string(n) : "d" + std::to_string(n - kFirstDirectory);
    for (auto at = text.find(id); at != std::string::npos; at = text.find(id)) {
      text.replace(at, id.size(), short_id);
    }
  }
  return text;
}

raft::NodeId node(const std::string& number) { return raft::NodeId(std::stoi(number)); }

// "1,2,3"
ReplicaList nodes(const std::string& list) {
  ReplicaList replicas;
  std::istringstream numbers(list);
  for (std::string one; std::getline(numbers, one, ',');) replicas.push_back(node(one));
  return replicas;
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
    if (args.verb == "state") return state();
    if (args.verb == "create") return create(args);
    if (args.verb == "delete") return carry_out(state_.handle(DeleteTopic{args.name, kNow}));
    if (args.verb == "alter") return alter(args);
    if (args.verb == "forget") return forget(args);
    if (args.verb == "move") return move(args);
    if (args.verb == "replicate") {
      return carry_out(
          state_.handle(ChangeReplicationFactor{args.name, args.take_number("replication", "0")}));
    }
    if (args.verb.starts_with("producer-")) return run_producer_command(args);
    return run_broker_command(args);
  }

 private:
  // "producer-ids broker=1 count=10", "producer-register ann instance=d1 known=5/0",
  // "producer-forget ann"
  std::string run_producer_command(Arguments& args) {
    if (args.verb == "producer-ids") {
      return carry_out(state_.handle(
          AllocateProducerIds{node(args.take("broker", "1")), args.take_number("count", "0")}));
    }
    if (args.verb == "producer-forget") return carry_out(state_.handle(ForgetProducer{args.name}));
    if (args.verb != "producer-register") return "no such command: " + args.verb + "\n";
    RegisterProducer command{
        .name = args.name, .instance = directory_called(args.take("instance", "d1")), .now = kNow};
    if (args.pairs.contains("known")) {
      const std::string known = args.take("known", "");
      const auto slash = known.find('/');
      command.known = {std::stoll(known.substr(0, slash)),
                       static_cast<std::int16_t>(std::stoi(known.substr(slash + 1)))};
    }
    return carry_out(state_.handle(command));
  }

  std::string run_broker_command(Arguments& args) {
    if (args.verb == "start") {
      return carry_out(state_.handle(StartBroker{1, directory_called("d1"), kNow}));
    }
    if (args.verb == "register") return register_broker(args);
    const DrainBroker broker{node(args.name), kNow};
    if (args.verb == "drain") return carry_out(state_.handle(broker));
    if (args.verb == "finish-drain")
      return carry_out(state_.handle(FinishDrain{broker.broker, kNow}));
    if (args.verb == "resume") return carry_out(state_.handle(ResumeBroker{broker.broker, kNow}));
    if (args.verb == "decommission") {
      return carry_out(state_.handle(DecommissionBroker{broker.broker, kNow}));
    }
    if (args.verb == "remove") return carry_out(state_.handle(RemoveBroker{broker.broker, kNow}));
    return "no such command: " + args.verb + "\n";
  }

  // "register d2 host=b port=7 rack=r known_as=2 started=5"
  std::string register_broker(Arguments& args) {
    return carry_out(state_.handle(
        RegisterBroker{.directory = directory_called(args.name),
                       .known_as = node(args.take("known_as", "-1")),
                       .host = args.take("host", ""),
                       .port = static_cast<std::uint16_t>(args.take_number("port", "0")),
                       .rack = args.take("rack", ""),
                       .started_at = Timestamp(args.take_number("started", "1"))}));
  }

  // "forget #1 broker=2"
  std::string forget(Arguments& args) {
    return carry_out(state_.handle(
        ForgetTopic{numbered_id(std::stoi(args.name.substr(1))), node(args.take("broker", "-1"))}));
  }

  // "move orders/0 to=2,3 planned_at=4"
  std::string move(Arguments& args) {
    const auto slash = args.name.find('/');
    MoveReplicas command{.topic = args.name.substr(0, slash),
                         .partition = PartitionId(std::stoi(args.name.substr(slash + 1))),
                         .replicas = nodes(args.take("to", ""))};
    if (args.pairs.contains("planned_at")) {
      command.planned_at = Offset(args.take_number("planned_at", "0"));
    }
    return carry_out(state_.handle(command));
  }

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
    for (const auto& [id, broker] : image->brokers()) {
      text += "broker " + std::to_string(id.value()) + " " + broker.directory.to_string() + " " +
              std::string(to_string(broker.mode));
      if (!broker.host.empty()) text += " " + broker.host + ":" + std::to_string(broker.port);
      if (!broker.rack.empty()) text += " rack=" + broker.rack;
      text += "\n";
    }
    for (const auto& [name, topic] : image->topics()) {
      text += name + " " + topic->id.to_string() +
              " partitions=" + std::to_string(topic->partitions) + " placed=";
      for (const auto& [first, offset] : topic->placed_from) {
        text += "[" + std::to_string(first) + "@" + std::to_string(offset.value()) + "]";
      }
      for (const auto& [setting, value] : topic->own_settings) text += " " + setting + "=" + value;
      text += "\n" + placement_of(*topic);
    }
    for (const auto& [id, topic] : state_.deleted()) {
      text += "deleted " + id.to_string() + " " + topic.name +
              " awaited=" + to_string(topic.awaited) + "\n";
    }
    const ProducerRegistry& producers = state_.producers();
    if (!producers.is_untouched()) {
      text += "next producer " + std::to_string(producers.next_id()) + "\n";
    }
    for (const auto& [name, producer] : producers.named()) {
      text += "producer " + name + " id=" + std::to_string(producer.identity.id) +
              " epoch=" + std::to_string(producer.identity.epoch) + " " +
              producer.instance.to_string() + "\n";
    }
    return with_short_ids(text);
  }

  // "  0 on 1@3 2@5 epoch=5": broker 1 has been a replica since metadata offset 3. A partition on
  // the only broker since its beginning is not shown.
  static std::string placement_of(const TopicImage& topic) {
    std::string text;
    for (std::uint32_t p = 0; p < topic.partitions; ++p) {
      const PartitionId partition(static_cast<std::int32_t>(p));
      const PartitionImage& placed = topic.partition(partition);
      if (placed.replicas.size() == 1 && placed.placed_at == topic.created_offset(partition)) {
        continue;
      }
      text += "  " + std::to_string(p) + " on";
      for (const ReplicaImage& replica : placed.replicas) {
        text += " " + std::to_string(replica.broker.value()) + "@" +
                std::to_string(replica.since.value());
      }
      text += " epoch=" + std::to_string(placed.placed_at.value()) +
              " founders=" + to_string(placed.founders) + "\n";
    }
    return text;
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
  EXPECT_GE(scripts, 6);
}

}  // namespace
}  // namespace penstock::broker
