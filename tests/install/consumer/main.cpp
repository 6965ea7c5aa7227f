// SPDX-License-Identifier: Apache-2.0
// A program that knows tiptoe only from its installed package.
int main() { return 0; }
