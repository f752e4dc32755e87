// Flags that several commands have, and what they mean.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "archiver/object_store.h"
#include "base/result.h"
#include "client/client.h"
#include "tools/arguments.h"

namespace penstock::tools {

FlagSpec bootstrap_flag();
FlagSpec data_dir_flag();
FlagSpec archive_dir_flag();
FlagSpec json_flag();
FlagSpec verbose_flag();

// --bootstrap: one address or several with commas.
Result<std::vector<rpc::Endpoint>> bootstrap_of(const Arguments& arguments);
std::string data_dir_of(const Arguments& arguments);
std::string archive_dir_of(const Arguments& arguments);

// The archive of --data_dir or --archive_dir. kNotFound when there is none: nothing is created.
Result<std::unique_ptr<archiver::ObjectStore>> open_archive(const Arguments& arguments);

// A client of the brokers that --bootstrap names.
Result<std::unique_ptr<client::Client>> connect(const Arguments& arguments);

}  // namespace penstock::tools
