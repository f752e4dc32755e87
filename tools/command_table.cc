#include "tools/commands.h"

namespace penstock::tools {

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
  for (Command& bench : bench_commands()) commands.push_back(std::move(bench));
  return commands;
}

}  // namespace penstock::tools
