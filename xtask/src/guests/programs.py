# What an interpreter does all day: numbers, lists, dictionaries, text, calls, objects.
class Body:
    def __init__(self, position, speed):
        self.position, self.speed = position, speed

    def step(self, dt):
        self.speed -= self.position * dt
        self.position += self.speed * dt


def primes(limit):
    sieve = bytearray([1]) * limit
    for n in range(2, int(limit ** 0.5) + 1):
        if sieve[n]:
            sieve[n * n::n] = bytes(len(range(n * n, limit, n)))
    return sum(sieve) - 2


def fibonacci(n):
    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)


def words(count):
    seen = {}
    for n in range(count):
        word = "%x" % (n * 2654435761 % 4099)
        seen[word] = seen.get(word, 0) + 1
    return len(" ".join(sorted(seen, key=lambda w: (len(w), w))).split())


body = Body(1.0, 0.0)
for turn in range(100000):
    body.step(0.001)
values = [(n * 7919) % 10007 for n in range(100000)]
values.sort()
print(primes(400000), fibonacci(22), words(60000), round(body.position, 6), sum(values[::3]), 3 ** 4000 % 1000007)
