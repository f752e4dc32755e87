// Every command of `penstock`, each made in a file of its own.
#pragma once

#include <vector>

#include "tools/command.h"

namespace penstock::tools {

Command up_command();
Command down_command();
Command topic_create_command();
Command topic_list_command();
Command topic_describe_command();
Command topic_alter_command();
Command topic_delete_command();
// status and health; what changes a cluster.
std::vector<Command> cluster_show_commands();
std::vector<Command> cluster_change_commands();
// list, describe, explain; reset, delete.
std::vector<Command> group_show_commands();
std::vector<Command> group_change_commands();
Command produce_command();
Command consume_command();
Command verify_command();
Command sql_command();
Command dump_command();
Command doctor_command();
std::vector<Command> bench_commands();

// All of them, in the order of the help.
std::vector<Command> all_commands();

}  // namespace penstock::tools
