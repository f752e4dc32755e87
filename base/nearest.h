// The known word that a misspelt one was most likely meant to be.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace penstock {

// A misspelling is only worth a suggestion when it is that close.
inline constexpr std::size_t kMaxSuggestionDistance = 3;

// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal
// string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The closest of `known`, if it is close enough to be worth saying: within kMaxSuggestionDistance
// and less than half of the word's letters wrong, or the only one that the word is a prefix of.
std::optional<std::string> nearest(std::string_view word, std::span<const std::string> known);

}  // namespace penstock
