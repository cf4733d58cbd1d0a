# SPDX-License-Identifier: Apache-2.0
import unittest

import rules


class Grammar(unittest.TestCase):
    def test_what_is_wrong_is_refused(self):
        for text in ("", "GET", "GET /x 1", "GET /x 1 nothing", "GET /x often drop", "GET /x 1 drop=1", "GET /x 1 status", "GET /x 1 cut=x",
                     "GET /x 1 header=a", "GET /x 1 digest=bad", "GET ( 1 drop", "GET /x 1 'drop"):
            with self.subTest(text), self.assertRaises(ValueError):
                try:
                    rules.Rule(text)
                except rules.re.error as error:
                    raise ValueError from error

    def test_values(self):
        rule = rules.Rule("GET|HEAD /x * cut=2K header=A:b 'header=C:d e' drip=10/0.5 reset")
        self.assertEqual(rule.faults, {"cut": 2048, "header": [("A", "b"), ("C", "d e")], "drip": (10, 0.5), "reset": True})
        self.assertEqual(rules.size("3M"), 3 << 20)


class Turns(unittest.TestCase):
    def turns(self, text, count=6):
        script = rules.Script([f"GET /x {text} drop"])
        return [n for n in range(1, count + 1) if script.faults("GET", "/x")]

    def test_turns(self):
        for text, expected in (("*", [1, 2, 3, 4, 5, 6]), ("2", [1, 2]), ("@3", [3]), ("@2-4", [2, 3, 4]), ("@5-", [5, 6]), ("0", [])):
            with self.subTest(text):
                self.assertEqual(self.turns(text), expected)

    def test_the_first_that_acts_hides_the_others(self):
        script = rules.Script(["GET /x 1 drop", "GET /x 1 lose", "* . * status=500"])
        self.assertEqual([next(iter(script.faults("GET", "/x"))) for _ in range(3)], ["drop", "lose", "status"])
        self.assertEqual(list(script.faults("PUT", "/y")), ["status"])

    def test_chance_follows_the_seed_and_not_the_order(self):
        def run(seed, order):
            script = rules.Script(["* . 30% random"], seed)
            return {(path, n): script.faults("GET", path) for path in order for n in range(200)}
        forth, back = run("7", ["/a", "/b"]), run("7", ["/b", "/a"])
        self.assertEqual(forth, back)
        self.assertNotEqual(forth, run("8", ["/a", "/b"]))
        self.assertLess(abs(sum(map(bool, forth.values())) - 120), 40)

    def test_random_faults_are_faults(self):
        for text in rules.RANDOM:
            rules.parse_faults(text.split())


if __name__ == "__main__":
    unittest.main()
