#include <utility>

#include "base/log.h"
#include "tools/commands.h"
#include "tools/shared_flags.h"

namespace penstock::tools {
namespace {

// The libraries below log for operators of servers. Here every failure is told once, by name, at
// the end; who wants to see how it came about asks for it.
void add_verbosity(Command& command) {
  command.flags.push_back(verbose_flag());
  command.run = [run = std::move(command.run)](const Arguments& arguments) -> Result<ExitCode> {
    PENSTOCK_TRY(set_log_level(arguments.is_on("verbose") ? "debug" : "off"));
    return run(arguments);
  };
}

}  // namespace

std::vector<Command> all_commands() {
  std::vector<Command> commands = {
      up_command(),
      down_command(),
      topic_create_command(),
      topic_list_command(),
      topic_describe_command(),
      topic_alter_command(),
      topic_delete_command(),
      produce_command(),
      consume_command(),
      verify_command(),
      sql_command(),
      dump_command(),
      doctor_command(),
  };
  const auto add = [&](std::vector<Command> group) {
    for (Command& command : group) commands.push_back(std::move(command));
  };
  add(group_show_commands());
  add(group_change_commands());
  add(cluster_show_commands());
  add(cluster_change_commands());
  add(bench_commands());
  for (Command& command : commands) add_verbosity(command);
  return commands;
}

}  // namespace penstock::tools
