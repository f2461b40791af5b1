#include "command_line.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fail.h"

static long positive_number(const char *name, const char *text) {
  char *end;
  errno = 0;
  long number = strtol(text, &end, 10);
  if (errno != 0 || end == text || *end != '\0' || number <= 0) {
    fail_usage("%s must be a positive number, not '%s'.", name, text);
  }
  return number;
}

// The value of the option at *INDEX, which is left at that value.
static const char *option_value(int count, char **arguments, int *index) {
  if (*index + 1 == count) fail_usage("%s needs a value.", arguments[*index]);
  *index += 1;
  return arguments[*index];
}

struct round parse_round(int count, char **arguments) {
  struct round round = {0};
  // Parameters are moved to the front, where they stay in order.
  round.parameters = arguments;
  for (int index = 0; index < count; index++) {
    char *argument = arguments[index];
    if (strcmp(argument, "--workload") == 0) {
      round.workload = option_value(count, arguments, &index);
    } else if (strcmp(argument, "--duration-ms") == 0) {
      const char *text = option_value(count, arguments, &index);
      round.duration = positive_number(argument, text) * INT64_C(1000000);
    } else if (argument[0] != '-' && strchr(argument, '=') != NULL) {
      arguments[round.parameter_count++] = argument;
    } else {
      fail_usage("'%s' is neither an option of a round nor NAME=VALUE.", argument);
    }
  }
  if (round.workload == NULL) fail_usage("A round needs --workload WORKLOAD.");
  if (round.duration == 0) fail_usage("A round needs --duration-ms MS.");
  return round;
}

static void choose_address(struct serving *serving, enum transport transport, const char *address) {
  if (serving->address != NULL) fail_usage("A service takes one address.");
  serving->transport = transport;
  serving->address = address;
}

struct serving parse_serving(int count, char **arguments) {
  if (count == 0) fail_usage("serve needs the name of a service.");
  struct serving serving = {.service = arguments[0], .threads = 1};
  for (int index = 1; index < count; index++) {
    const char *option = arguments[index];
    if (strcmp(option, "--tcp") == 0) {
      choose_address(&serving, TRANSPORT_TCP, option_value(count, arguments, &index));
    } else if (strcmp(option, "--unix") == 0) {
      choose_address(&serving, TRANSPORT_UNIX, option_value(count, arguments, &index));
    } else if (strcmp(option, "--udp") == 0) {
      choose_address(&serving, TRANSPORT_UDP, option_value(count, arguments, &index));
    } else if (strcmp(option, "--threads") == 0) {
      long threads = positive_number(option, option_value(count, arguments, &index));
      if (threads > 1024) fail_usage("--threads must be at most 1024.");
      serving.threads = (int)threads;
    } else {
      fail_usage("'%s' is no option of a service.", option);
    }
  }
  if (serving.address == NULL) {
    fail_usage("A service needs --tcp HOST:PORT, --unix PATH or --udp HOST:PORT.");
  }
  return serving;
}

long parse_copying(int count, char **arguments) {
  long size = 65536;
  for (int index = 0; index < count; index++) {
    const char *option = arguments[index];
    if (strcmp(option, "--size") != 0) fail_usage("'%s' is no option of a copy.", option);
    size = positive_number(option, option_value(count, arguments, &index));
  }
  return size;
}

const char *round_text(const struct round *round, const char *name) {
  size_t length = strlen(name);
  for (int index = 0; index < round->parameter_count; index++) {
    const char *parameter = round->parameters[index];
    if (strncmp(parameter, name, length) == 0 && parameter[length] == '=') {
      return parameter + length + 1;
    }
  }
  fail_usage("The parameter '%s' is missing.", name);
}

long round_number(const struct round *round, const char *name) {
  return positive_number(name, round_text(round, name));
}
