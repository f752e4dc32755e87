// Report: what a run found, as figure lines for scripts, a table for people, and JSON.
//
// Format: a figure is one line `NAME key=value key=value ...`; values hold no spaces. The JSON file
// is one object: {"figures": [{"name": NAME, "key": value, ...}, ...]}, numbers unquoted.
// Failure: write_json_file() says which file and why.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace penstock::bench {

class Figure {
 public:
  explicit Figure(std::string name) : name_(std::move(name)) {}

  Figure& add(std::string key, std::string text);
  Figure& add(std::string key, std::uint64_t value);
  // Four significant digits: more than a repeated run agrees on.
  Figure& add(std::string key, double value);

  const std::string& name() const { return name_; }
  std::string line() const;  // without a line end
  std::string json() const;  // one object

 private:
  struct Field {
    std::string key;
    std::string text;
    bool quoted;
  };
  std::string name_;
  std::vector<Field> fields_;
};

// "0.1234", "1.234", "123.4", "12345": four significant digits, never an exponent.
std::string four_digits(double value);

// Columns as wide as their widest cell; the first left-aligned, the others right-aligned.
void print_table(std::ostream& out, const std::vector<std::vector<std::string>>& rows);

Status write_json_file(const std::string& path, const std::vector<Figure>& figures);

}  // namespace penstock::bench
