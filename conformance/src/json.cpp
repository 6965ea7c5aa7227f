// SPDX-License-Identifier: Apache-2.0
#include "tiptoe/conformance/json.hpp"

#include <cstdio>

namespace tiptoe::conformance {

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char ch : text) {
    switch (ch) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\t': out += "\\t"; break;
      default:
        if (static_cast<unsigned char>(ch) < 0x20) {
          char buffer[8];
          std::snprintf(buffer, sizeof buffer, "\\u%04x", static_cast<unsigned>(ch));
          out += buffer;
        } else {
          out += ch;
        }
    }
  }
  return out + "\"";
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const std::string& text : texts) out += (out.size() > 1 ? ", " : "") + json_string(text);
  return out + "]";
}

namespace {

std::string settings_json(const Settings& settings) {
  std::string out = "{";
  for (const auto& [name, value] : settings) {
    out += (out.size() > 1 ? ", " : "") + json_string(name) + ": " + std::to_string(value);
  }
  return out + "}";
}

}  // namespace

std::string to_json(const Case& c) {
  return "{\"id\": " + json_string(c.id) + ", \"title\": " + json_string(c.title) +
         ", \"rules\": " + json_list(c.rules) + ", \"level\": " + json_string(to_string(c.level)) +
         ", \"profile\": " + json_string(c.profile) + ", \"settings\": " + settings_json(c.settings) +
         ", \"description\": " + json_string(c.description) + "}";
}

std::string to_json(const Registry& registry) {
  std::string out = "{\n  \"cases\": [\n";
  bool first = true;
  for (const Case& c : registry.cases()) {
    out += (first ? "    " : ",\n    ") + to_json(c);
    first = false;
  }
  out += "\n  ],\n  \"profiles\": [\n";
  first = true;
  for (const Profile& p : profiles()) {
    out += (first ? "    {" : ",\n    {") + ("\"name\": " + json_string(p.name)) +
           ", \"description\": " + json_string(p.description) + ", \"settings\": " + settings_json(p.settings) + "}";
    first = false;
  }
  return out + "\n  ]\n}\n";
}

std::string to_json(const Result& r, bool with_ladder) {
  char wall[32];
  std::snprintf(wall, sizeof wall, "%.6f", r.wall_s);
  std::string out = "{\"id\": " + json_string(r.id) + ", \"level\": " + json_string(to_string(r.level)) +
                    ", \"verdict\": " + json_string(to_string(r.verdict)) + ", \"message\": " + json_string(r.message) +
                    ", \"remarks\": " + json_list(r.remarks) + ", \"seed\": " + std::to_string(r.seed) +
                    ", \"cycles\": " + std::to_string(r.cycles) + ", \"virtual_us\": " + std::to_string(r.virtual_us) +
                    ", \"wall_s\": " + wall;
  if (with_ladder) out += ", \"ladder\": " + json_string(r.ladder);
  return out + ", \"repeat\": " + json_string(r.repeat) + "}";
}

}  // namespace tiptoe::conformance
