// The ports of the brokers that `up` runs on this machine, kept from one start to the next: brokers
// of a cluster find each other where they were.
//
// Format of DATA_DIR/up.ports: a line for each broker, "client_port metrics_port". Failure: a port
// that somebody else listens on is kAlreadyExists, and names them.
// Threads: one; reads and writes a small file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace penstock::tools {

struct LocalPorts {
  std::uint16_t client = 0;
  std::uint16_t metrics = 0;

  friend bool operator==(const LocalPorts&, const LocalPorts&) = default;
};

std::string encode_ports(const std::vector<LocalPorts>& ports);
// kCorrupt for anything else.
Result<std::vector<LocalPorts>> decode_ports(std::string_view text);

// Ports for `count` brokers: those of the file as far as it goes; the first new broker has `first`,
// each further port is the next free one behind it. 0: any free ones. The file is written.
Result<std::vector<LocalPorts>> choose_ports(const std::string& file, std::size_t count,
                                             LocalPorts first);

// kAlreadyExists, with the process that listens there. Port 0 is free.
Status check_port(std::uint16_t port);

}  // namespace penstock::tools
