// penstock cluster drain, resume, decommission, remove, move, replicas, transfer.
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>

#include "base/clock.h"
#include "tools/cluster_operands.h"
#include "tools/cluster_progress.h"
#include "tools/commands.h"
#include "tools/interrupt.h"
#include "tools/limits.h"
#include "tools/output_table.h"
#include "tools/shared_flags.h"
#include "tools/terminal.h"

namespace penstock::tools {
namespace {

namespace json = boost::json;
using client::ClusterChange;

FlagSpec wait_flag(const std::string& what) {
  return {.name = "wait", .meaning = what, .kind = FlagKind::kSwitch};
}

// The newest line of progress: redrawn on a terminal, else printed when it says something new.
class ProgressLine {
 public:
  void show(const std::string& text) {
    if (text == last_) return;
    if (is_terminal_) {
      std::cerr << "\r\x1b[K" << printable(text) << std::flush;
    } else {
      std::cerr << printable(text) << "\n";
    }
    last_ = text;
  }
  ~ProgressLine() {
    if (is_terminal_ && !last_.empty()) std::cerr << "\r\x1b[K" << std::flush;
  }

 private:
  const bool is_terminal_ = terminal_width(STDERR_FILENO) > 0;
  std::string last_;
};

// Until the change has been carried out; kInterrupted leaves it under way.
Result<ExitCode> wait_for(client::Client& client, const ClusterChange& change) {
  catch_interrupts();
  ProgressLine line;
  while (!interrupted()) {
    PENSTOCK_TRY_ASSIGN(const auto status, client.admin().cluster_status());
    const ClusterProgress progress = progress_of(change, status);
    if (progress.done) return ExitCode::kOk;
    line.show(progress.text);
    sleep_until(system_clock().steady_ns() +
                std::chrono::nanoseconds(kClusterPollInterval).count());
  }
  std::cerr << "not waiting any more; it goes on: penstock cluster status\n";
  return ExitCode::kInterrupted;
}

// What is told: while it has only been decided, and when it has been carried out.
struct Telling {
  std::string decided;
  std::string done;
  json::object object;
};

Result<ExitCode> apply(const Arguments& arguments, const ClusterChange& change, Telling telling) {
  PENSTOCK_TRY_ASSIGN(const auto client, connect(arguments));
  PENSTOCK_TRY(client->admin().alter_cluster(change));
  const bool at_once = telling.decided == telling.done;  // and there is no such flag
  const bool waits = !at_once && arguments.is_on("wait");
  if (waits) {
    PENSTOCK_TRY_ASSIGN(const ExitCode code, wait_for(*client, change));
    if (code != ExitCode::kOk) return code;
  }
  telling.object["done"] = waits || at_once;
  std::cout << (arguments.is_on("json") ? json::serialize(telling.object)
                                        : (waits ? telling.done : telling.decided))
            << "\n";
  return ExitCode::kOk;
}

template <typename Change>
Result<ExitCode> change_broker(const Arguments& arguments, const std::string& decided,
                               const std::string& done) {
  PENSTOCK_TRY_ASSIGN(const std::int32_t broker, parse_broker(arguments.operands()[0]));
  const std::string name = "broker " + std::to_string(broker) + " ";
  return apply(arguments, Change{broker},
               {.decided = name + decided, .done = name + done, .object = {{"broker", broker}}});
}

Result<ExitCode> drain(const Arguments& arguments) {
  return change_broker<client::DrainBroker>(
      arguments, "is being drained; how far: penstock cluster status", "is drained");
}

Result<ExitCode> resume(const Arguments& arguments) {
  return change_broker<client::ResumeBroker>(arguments, "takes part again", "takes part again");
}

Result<ExitCode> decommission(const Arguments& arguments) {
  return change_broker<client::DecommissionBroker>(
      arguments, "is being decommissioned; how far: penstock cluster status",
      "is decommissioned; stop it, then: penstock cluster remove " + arguments.operands()[0]);
}

Result<ExitCode> remove(const Arguments& arguments) {
  return change_broker<client::RemoveBroker>(arguments, "is removed for good",
                                             "is removed for good");
}

Result<ExitCode> move(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(auto partition, parse_partition(arguments.operands()[0]));
  PENSTOCK_TRY_ASSIGN(auto to, parse_brokers(arguments.text("to")));
  const std::string name = arguments.operands()[0];
  json::object object{{"topic", partition.first},
                      {"partition", partition.second.value()},
                      {"replicas", json::array(to.begin(), to.end())}};
  return apply(arguments,
               client::MoveReplicas{std::move(partition.first), partition.second, std::move(to)},
               {.decided = name + " is being moved; how far: penstock cluster status",
                .done = name + " has moved",
                .object = std::move(object)});
}

Result<ExitCode> replicas(const Arguments& arguments) {
  const std::string& topic = arguments.operands()[0];
  if (!arguments.given("factor")) return fail(Errc::kInvalidArgument, "say how many: --factor=N");
  PENSTOCK_TRY_ASSIGN(const std::int64_t factor, arguments.integer("factor", 1, INT16_MAX));
  const std::string number = std::to_string(factor);
  return apply(arguments, client::SetReplicationFactor{topic, static_cast<std::uint32_t>(factor)},
               {.decided = "topic '" + topic + "' is on its way to replication factor " + number +
                           "; how far: penstock cluster status",
                .done = "topic '" + topic + "' has replication factor " + number,
                .object = {{"topic", topic}, {"replication_factor", factor}}});
}

Result<ExitCode> transfer(const Arguments& arguments) {
  PENSTOCK_TRY_ASSIGN(auto partition, parse_partition(arguments.operands()[0]));
  std::int32_t to = -1;
  if (arguments.given("to")) {
    PENSTOCK_TRY_ASSIGN(to, parse_broker(arguments.text("to")));
  }
  const std::string name = arguments.operands()[0];
  const std::string whom = to < 0 ? "its preferred broker" : "broker " + std::to_string(to);
  json::object object{
      {"topic", partition.first}, {"partition", partition.second.value()}, {"to", to}};
  return apply(arguments, client::TransferLeader{std::move(partition.first), partition.second, to},
               {.decided = "the leader of " + name + " was asked to hand over to " + whom,
                .done = name + " is led by " + whom,
                .object = std::move(object)});
}

Command broker_command(const std::string& name, const std::string& summary,
                       const std::string& details, std::vector<FlagSpec> flags,
                       std::function<Result<ExitCode>(const Arguments&)> run) {
  flags.insert(flags.begin(), bootstrap_flag());
  flags.push_back(json_flag());
  return {.name = "cluster " + name,
          .operands = "BROKER",
          .summary = summary,
          .details = details + "\nWith --json: {\"broker\",\"done\"}.\n",
          .min_operands = 1,
          .max_operands = 1,
          .flags = std::move(flags),
          .run = std::move(run)};
}

std::vector<Command> broker_commands() {
  return {
      broker_command("drain", "move leaders and replicas away from a broker",
                     "Leaders first, then replicas; nothing new is placed there. For "
                     "maintenance: penstock\ncluster resume ends it.\n",
                     {wait_flag("return when nothing is left there; shows how far it is")}, drain),
      broker_command("resume", "let a drained broker take part again",
                     "Leaders and replicas come back by and by.\n", {}, resume),
      broker_command("decommission", "move everything away from a broker, for ever",
                     "As drain, and it cannot be resumed; afterwards it may be stopped and "
                     "removed.\n",
                     {wait_flag("return when nothing is left there; shows how far it is")},
                     decommission),
      broker_command("remove", "forget a broker that was decommissioned or is lost",
                     "Its number is never given again. A broker whose disk is lost: decommission "
                     "it first, so that\nits replicas are made anew elsewhere.\n",
                     {}, remove)};
}

Command partition_command(const std::string& name, const std::string& summary,
                          const std::string& details, FlagSpec to, const std::string& what,
                          std::function<Result<ExitCode>(const Arguments&)> run) {
  return {.name = "cluster " + name,
          .operands = "TOPIC/PARTITION",
          .summary = summary,
          .details = details,
          .min_operands = 1,
          .max_operands = 1,
          .flags = {bootstrap_flag(), std::move(to), wait_flag(what), json_flag()},
          .run = std::move(run)};
}

Command replicas_command() {
  return {.name = "cluster replicas",
          .operands = "TOPIC",
          .summary = "change how many copies a topic has, while it is used",
          .details =
              "Example:\n  penstock cluster replicas orders --factor=3 --wait\n\n"
              "With --json: {\"topic\",\"replication_factor\",\"done\"}.\n",
          .min_operands = 1,
          .max_operands = 1,
          .flags = {bootstrap_flag(),
                    {.name = "factor", .value = "N", .meaning = "copies of each partition"},
                    wait_flag("return when every partition has them; shows how far it is"),
                    json_flag()},
          .run = replicas};
}

}  // namespace

std::vector<Command> cluster_change_commands() {
  std::vector<Command> commands = broker_commands();
  commands.push_back(partition_command(
      "move", "put a partition's replicas on other brokers",
      "Example:\n  penstock cluster move orders/3 --to=1,2,4 --wait\n\n"
      "New replicas are filled before old ones go. With --json: "
      "{\"topic\",\"partition\",\"replicas\",\"done\"}.\n",
      {.name = "to", .value = "N,N,N", .meaning = "brokers that hold it, preferred leader first"},
      "return when it has moved; shows how far it is", move));
  commands.push_back(replicas_command());
  commands.push_back(partition_command(
      "transfer", "hand a partition's leadership to another of its replicas",
      "Example:\n  penstock cluster transfer orders/3 --to=2\n\n"
      "With --json: {\"topic\",\"partition\",\"to\",\"done\"}; \"to\" -1: the preferred one.\n",
      {.name = "to", .value = "N", .meaning = "broker that leads; without it the preferred one"},
      "return when it leads", transfer));
  return commands;
}

}  // namespace penstock::tools
