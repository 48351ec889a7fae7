/*
 * The floor: what a memcached server costs when it does nothing but the system calls. One thread, one epoll loop, one
 * receive and one send for whatever has arrived; every get is a hit with the same value, every set is STORED. It finds the
 * ends of the requests, and nothing else: no store, no limits, no errors.
 *
 *   floor PORT VALUE_BYTES      127.0.0.1, classic text protocol: get (one key or many), set, version
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 65536
#define INPUT_BYTES (256 * 1024)
#define OUTPUT_BYTES (16 * 1024 * 1024)
#define EVENTS_MAX 1024

/* The beginning of a request that has not arrived whole, by descriptor. */
static struct {
  char *bytes;
  int fill;
} rest[CONNECTIONS_MAX];

static char input[INPUT_BYTES], output[OUTPUT_BYTES];
static char hit[INPUT_BYTES];
static int hit_bytes;

/* Answers the whole requests in input[0, end); returns where the first incomplete one begins. */
static int answer(int end, int *output_end) {
  int at = 0, out = 0;
  while (at < end) {
    char *line = input + at, *feed = memchr(line, '\n', end - at);
    if (feed == NULL) break;
    int next = (int)(feed - input) + 1;
    if (line[0] == 'g') {
      for (char *c = line; c < feed; c++) {
        if (*c != ' ') continue;
        memcpy(output + out, hit, hit_bytes);
        out += hit_bytes;
      }
      memcpy(output + out, "END\r\n", 5);
      out += 5;
    } else if (line[0] == 's') {
      char *digits = feed;
      while (digits[-1] != ' ') digits--;
      next += atoi(digits) + 2;
      if (next > end) break;
      memcpy(output + out, "STORED\r\n", 8);
      out += 8;
    } else {
      memcpy(output + out, "VERSION 0.0.0\r\n", 15);
      out += 15;
    }
    at = next;
  }
  *output_end = out;
  return at;
}

static void drop(int fd) {
  free(rest[fd].bytes);
  rest[fd].bytes = NULL;
  rest[fd].fill = 0;
  close(fd);
}

static void serve(int fd) {
  int fill = rest[fd].fill;
  if (fill > 0) memcpy(input, rest[fd].bytes, fill);
  ssize_t got = recv(fd, input + fill, INPUT_BYTES - fill, 0);
  if (got <= 0) {
    drop(fd);
    return;
  }
  int out, end = fill + (int)got, at = answer(end, &out);
  rest[fd].fill = end - at;
  if (at < end) {
    if (rest[fd].bytes == NULL) rest[fd].bytes = malloc(INPUT_BYTES);
    memcpy(rest[fd].bytes, input + at, end - at);
  }
  for (int sent = 0; sent < out;) {
    ssize_t took = send(fd, output + sent, out - sent, MSG_NOSIGNAL);
    if (took < 0) {
      drop(fd);
      return;
    }
    sent += (int)took;
  }
}

int main(int count, char **words) {
  if (count != 3) {
    fprintf(stderr, "usage: floor PORT VALUE_BYTES\n");
    return 64;
  }
  int value_bytes = atoi(words[2]);
  hit_bytes = sprintf(hit, "VALUE k 0 %d\r\n", value_bytes);
  memset(hit + hit_bytes, 'x', value_bytes);
  hit_bytes += value_bytes;
  memcpy(hit + hit_bytes, "\r\n", 2);
  hit_bytes += 2;

  int one = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(words[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1024) < 0) {
    perror("floor");
    return 71;
  }
  struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, events[EVENTS_MAX];
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
  for (;;) {
    int ready = epoll_wait(poll, events, EVENTS_MAX, -1);
    for (int i = 0; i < ready; i++) {
      int fd = events[i].data.fd;
      if (fd != listener) {
        serve(fd);
        continue;
      }
      int peer = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
      if (peer < 0 || peer >= CONNECTIONS_MAX) continue;
      setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
      event = (struct epoll_event){.events = EPOLLIN, .data.fd = peer};
      epoll_ctl(poll, EPOLL_CTL_ADD, peer, &event);
    }
  }
}
