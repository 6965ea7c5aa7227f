/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device that swallows everything and misbehaves as its arguments say. A word "WHERE-HOW" misbehaves in a function of
 * the table (create, reset, inject, poll, run): crash, abort, exit, hang, memory. Other words are answers that no
 * device may give; see the table below. Compiled several times with -D for tables that are wrong themselves.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tiptoe/dut_abi.h"

struct tiptoe_dut {
  char how[64];
  uint64_t now;
  int waiting; /* datagrams to give */
  unsigned injected;
};

static int is(const tiptoe_dut* d, const char* how) { return strcmp(d->how, how) == 0; }

/* The end of the process, or the want of one. */
static void misbehave(const tiptoe_dut* d, const char* where) {
  const size_t n = strlen(where);
  if (strncmp(d->how, where, n) != 0 || d->how[n] != '-') return;
  const char* what = d->how + n + 1;
  if (strcmp(what, "crash") == 0) {
    fprintf(stderr, "about to follow a null pointer\n");
    *(volatile int*)0 = 1;
  }
  if (strcmp(what, "abort") == 0) abort();
  if (strcmp(what, "exit") == 0) {
    fprintf(stderr, "so long\n");
    _exit(7);
  }
  if (strcmp(what, "exit0") == 0) exit(0);
  if (strcmp(what, "hang") == 0) {
    for (;;) pause();
  }
  if (strcmp(what, "spin") == 0) {
    for (volatile unsigned n = 0;; ++n) continue;
  }
  if (strcmp(what, "memory") == 0) {
    for (;;) {
      const size_t more = (size_t)64 << 20;
      char* p = malloc(more);
      if (p == NULL) abort();
      for (size_t i = 0; i < more; i += 4096) p[i] = 1;
    }
  }
}

static tiptoe_dut* create(const char* arguments, char* error, size_t error_size) {
  tiptoe_dut* d = calloc(1, sizeof *d);
  if (d == NULL) return NULL;
  strncpy(d->how, arguments, sizeof d->how - 1);
  misbehave(d, "create");
  if (is(d, "refuse")) {
    snprintf(error, error_size, "there is no card in the slot");
    free(d);
    return NULL;
  }
  if (is(d, "refuse-silently")) {
    free(d);
    return NULL;
  }
  return d;
}

static void destroy(tiptoe_dut* d) { free(d); }

static const char* last_error(tiptoe_dut* d) { return is(d, "error-silent") ? NULL : "the cable is out"; }

static tiptoe_rc reset(tiptoe_dut* d, const tiptoe_setting* settings, size_t count, uint64_t seed) {
  (void)settings, (void)count, (void)seed;
  misbehave(d, "reset");
  d->now = 0;
  d->waiting = 0;
  d->injected = 0;
  return TIPTOE_OK;
}

static tiptoe_rc inject(tiptoe_dut* d, const uint8_t* octets, size_t length) {
  (void)octets, (void)length;
  misbehave(d, "inject");
  if (is(d, "second-crash") && ++d->injected == 2) *(volatile int*)0 = 1;
  if (is(d, "prints")) { /* what looks like somebody's protocol, and a lot of it */
    for (int i = 0; i < 20000; ++i) {
      printf("%c%c%c%c\x80\x04\x95 result nonsense {\"verdict\": \"pass\"}\n", 0, 0, 0, 20);
      fprintf(stderr, "\xff\xfe garbage %d\n", i);
    }
    fflush(stdout);
  }
  if (is(d, "error") || is(d, "error-silent")) return TIPTOE_ERROR;
  if (is(d, "unsupported")) return TIPTOE_UNSUPPORTED;
  if (is(d, "stuck")) return TIPTOE_HANG;
  if (is(d, "rc")) return (tiptoe_rc)99;
  if (is(d, "none")) return TIPTOE_NONE;
  if (is(d, "back")) d->now = d->now > 5 ? d->now - 5 : 0;
  if (is(d, "leap")) d->now = UINT64_MAX - 7;
  d->waiting = 1;
  return TIPTOE_OK;
}

static tiptoe_rc poll_output(tiptoe_dut* d, uint8_t* octets, size_t capacity, tiptoe_output* out) {
  (void)capacity;
  misbehave(d, "poll");
  if (d->waiting == 0) return TIPTOE_NONE;
  out->time_us = d->now;
  out->cycle = 0;
  out->length = 3;
  memset(octets, 0xA5, 3);
  if (is(d, "flood")) return TIPTOE_OK;
  d->waiting = 0;
  if (is(d, "short")) return TIPTOE_OK;
  if (is(d, "length")) {
    out->length = 0x7FFFFFFF;
    return TIPTOE_OK;
  }
  if (is(d, "empty")) {
    out->length = 0;
    return TIPTOE_OK;
  }
  if (is(d, "future")) {
    out->time_us = d->now + 1000000;
    return TIPTOE_OK;
  }
  return TIPTOE_NONE;
}

static tiptoe_rc run(tiptoe_dut* d, uint64_t until_us, int stop_at_output) {
  (void)stop_at_output;
  misbehave(d, "run");
  if (is(d, "early")) return TIPTOE_OK;
  if (until_us > d->now) d->now = until_us;
  return TIPTOE_OK;
}

static uint64_t now_us(tiptoe_dut* d) { return d->now; }

static tiptoe_rc answer(tiptoe_dut* d, tiptoe_call_result* out) {
  memset(out, 0, sizeof *out);
  out->handle = 1;
  if (is(d, "status")) out->status = 77;
  if (is(d, "big-status")) out->status = 0x10000;
  if (is(d, "state")) out->state = 12;
  if (is(d, "handle")) out->handle = 0xFFFFFFFFU;
  if (is(d, "taken")) out->length = 0xFFFFFFF0U;
  return TIPTOE_OK;
}
static tiptoe_rc open_either(tiptoe_dut* d, const tiptoe_open_args* a, tiptoe_call_result* out) {
  (void)a;
  return answer(d, out);
}
static tiptoe_rc of_handle(tiptoe_dut* d, uint32_t handle, tiptoe_call_result* out) {
  (void)handle;
  return answer(d, out);
}
static tiptoe_rc send_octets(tiptoe_dut* d, uint32_t h, const uint8_t* octets, size_t n, tiptoe_call_result* out) {
  (void)h, (void)octets, (void)n;
  return answer(d, out);
}
static tiptoe_rc receive_octets(tiptoe_dut* d, uint32_t h, uint8_t* octets, size_t n, tiptoe_call_result* out) {
  (void)h, (void)octets, (void)n;
  return answer(d, out);
}
static tiptoe_rc close_either(tiptoe_dut* d, uint32_t h, int half, tiptoe_call_result* out) {
  (void)h, (void)half;
  return answer(d, out);
}
static tiptoe_rc poll_notification(tiptoe_dut* d, tiptoe_notification* out) {
  out->handle = is(d, "note-handle") ? 0xFFFFFFFFU : 1;
  out->flags = is(d, "note-flags") ? 0x4000 : is(d, "note-big") ? 0x10000 : TIPTOE_NOTE_READABLE;
  out->time_us = d->now;
  return strncmp(d->how, "note", 4) == 0 ? TIPTOE_OK : TIPTOE_NONE;
}

/* What the variants change. */
#ifndef ODD_MAJOR
#define ODD_MAJOR TIPTOE_DUT_ABI_MAJOR
#endif
#ifndef ODD_SIZE
#define ODD_SIZE sizeof(tiptoe_dut_api)
#endif
#ifndef ODD_RUN
#define ODD_RUN run
#endif
#ifdef ODD_UNDEFINED
extern tiptoe_rc ODD_RUN(tiptoe_dut* d, uint64_t until_us, int stop_at_output);
#endif
#ifndef ODD_ABORT
#define ODD_ABORT of_handle
#endif

static const tiptoe_dut_api api = {
    .abi_major = ODD_MAJOR,
    .abi_minor = TIPTOE_DUT_ABI_MINOR,
    .size = ODD_SIZE,
    .name = "odd",
    .create = create,
    .destroy = destroy,
    .last_error = last_error,
    .reset = reset,
    .inject = inject,
    .poll_output = poll_output,
    .run = ODD_RUN,
    .now_us = now_us,
    .open_passive = open_either,
    .open_active = open_either,
    .accept = of_handle,
    .send = send_octets,
    .receive = receive_octets,
    .close = close_either,
    .abort = ODD_ABORT,
    .status = of_handle,
    .poll_notification = poll_notification,
};

#ifdef ODD_NO_TABLE
TIPTOE_DUT_EXPORT const tiptoe_dut_api* tiptoe_dut_entry(void) {
  (void)api;
  return NULL;
}
#elif defined ODD_NO_ENTRY
TIPTOE_DUT_EXPORT const tiptoe_dut_api* somebody_elses_entry(void) { return &api; }
#else
TIPTOE_DUT_EXPORT const tiptoe_dut_api* tiptoe_dut_entry(void) { return &api; }
#endif
