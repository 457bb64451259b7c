import { hash as bcrypt } from "bcryptjs";
import { describe, expect, it } from "@jest/globals";

import { deriveKey } from "../../src/security/derive-key.ts";
import { djangoPasswordCheck } from "../../src/security/django-passwords.ts";
import { PasswordHasher } from "../../src/security/password-hasher.ts";
import { recordedStoredHashes } from "./recorded-texts.ts";

const cost = { memoryCost: 64, timeCost: 1, parallelism: 1 };
const newHasher = () => new PasswordHasher({ ...cost, concurrency: 1, queueLimit: 100 }, deriveKey);
/** By a hasher that knows of no other hash: a refusal costs a check of every kind that it has come across. */
const verify = (stored: string, password: string) => newHasher().verify(stored, password);
const wrong = { valid: false, needsRehash: false };
const rightButStale = { valid: true, needsRehash: true };
const ascii = "password123";
const unicode = "p\u00e4ssw\u00f6rd\u{1f600} \u00c5";

describe("the recorded stored hashes", () => {
  const recorded = recordedStoredHashes();

  it("are there", () => {
    expect(recorded.length).toBeGreaterThan(9);
  });

  it.each(recorded)("$id", async ({ stored, password, valid }) => {
    expect(await verify(stored, password)).toEqual(valid ? rightButStale : wrong);
  });
});

// Made by the hashers of Django 5.2.17 with its bcrypt and argon2-cffi: `Hasher().encode(password, salt, …)`;
// those with Django's own parameters by `make_password(password, hasher=…)`.
describe("hashes that Django made", () => {
  it.each([
    [ascii, "pbkdf2_sha256$1000$saltsaltsalt$JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8="],
    [unicode, "pbkdf2_sha256$1000$saltsaltsalt$voL5OpflvK/W5rYyLXDcDAKejW9Zu6Z5Lvdmakz0cUs="],
    [ascii, "pbkdf2_sha256$1$s\u00e4lt\n$Q4YZ7TiLXfvUKPJff1xhnW5lwsGfhwBLSFfhL/BzCmo="],
    [ascii, "pbkdf2_sha256$1000000$7eclrqTEt5kYsbMlnejeB3$0+6NB6MBsf23NLuuBP00t+f1zv0Jt9PdVIo5TEG0QKw="],
    [ascii, "pbkdf2_sha1$1000$saltsaltsalt$jLSi1sYYxydyHySmpeE9TyTM2/8="],
    [unicode, "pbkdf2_sha1$1000$saltsaltsalt$CV5c9AGE2h2jaamoMXURf8bpeR0="],
    [
      ascii,
      "scrypt$1024$saltsaltsalt$8$2$OQgEUmAB69mV7WMFJmwWf9xAwdwB+NNaquTwCt9dWchW4NZ7iQy7cblARE0FOb9exCjTtJuv6nWCMs7meH81FA==",
    ],
    [
      unicode,
      "scrypt$1024$saltsaltsalt$8$2$UY38i6JZ77XDQHHs3uoL/C4syL/EdrF/ziFo21bGhusnSOczoAr4r075X45BhlJHTcJSSY8gW73V9vYaBOrf+w==",
    ],
    [
      ascii,
      "scrypt$16384$JeOhQNi5unMsGXo5A3xtPz$8$5$w35V7oYy/S/kJCqOphV+KJodrgteQd3l1qVycVCiKbmQlN2RAkFd0HxjvsvIl/EOGxn4CK/8fi4HzqcIq5DEAQ==",
    ],
    [ascii, "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuu/o2blacRvclFJ6RIap/a4MjhFQ4lIZC"],
    [unicode, "bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuOAkHIjr5WOlKs5JoRQMWrBglQj8nKcS"],
    [ascii, "bcrypt_sha256$$2b$12$Bw2QLBj4ERFEqkUcMfME2.4sie6KbuxoKazKV5GvTrZBqwNpXWQf2"],
    [ascii, "bcrypt$$2b$04$abcdefghijklmnopqrstuuK7Sjs7rFYArh/ytIZsOeM/z4RV2Fw2i"],
    [unicode, "bcrypt$$2b$04$abcdefghijklmnopqrstuukCGwuv.gI0DA71PoyfCR0NGNTsjSLam"],
    [
      ascii,
      "argon2$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$rKjr4CFm6Va2E5/MaMRDaulj4hNd9pfUCLdnxqjQ6DU",
    ],
    [
      unicode,
      "argon2$argon2id$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$cOYxZKb9SztxkY31YWMCOGrPyWYD2CExdWbbX+QX9e0",
    ],
    [ascii, "argon2$argon2i$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$DYPZub7q1H8lYjfxo8C5sg9hAaIE7WxCU0r1tQC7B7Y"],
    [ascii, "argon2$argon2d$v=19$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$7ED+XkQZipK16OvqqWOFsacKk5HZ4isEMZzhZL6ZLNU"],
    [ascii, "argon2$argon2i$v=16$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$3rhn+rksNO1jVFdYoipx0Q"],
    [ascii, "argon2$argon2i$m=256,t=2,p=2$c2FsdHNhbHRzYWx0$3rhn+rksNO1jVFdYoipx0Q"],
    [
      ascii,
      "argon2$argon2id$v=19$m=102400,t=2,p=8$N3JEZ3A5T0VsNEs2Rnd6bEVHTjdrdw$wzGqDHPoDaZ1wcsnYlt+r9jFHo7nBkCDjV985RH62Xc",
    ],
  ])("let %j in, and nothing else: %s", async (password, stored) => {
    expect(await verify(stored, password)).toEqual(rightButStale);
    expect(await verify(stored, `${password}x`)).toEqual(wrong);
  });

  it("are stale even at the present parameters", async () => {
    expect(await verify(`argon2${await newHasher().hash(ascii)}`, ascii)).toEqual(rightButStale);
  });

  it("are known by each name of bcrypt's present version", async () => {
    const stored = await bcrypt(ascii, 4);
    for (const version of ["2a", "2b", "2y"]) {
      const named = stored.replace(/^\$2b/, `$${version}`);
      expect(await verify(`bcrypt$${named}`, ascii)).toEqual(rightButStale);
    }
  });
});

describe("djangoPasswordCheck", () => {
  const digest = "JCHtdmPuGIQK3Oy+t81vl02L9+3iG/9r39xXdKl/+Z8=";
  const key = `${"A".repeat(86)}==`;
  const bcrypted = "abcdefghijklmnopqrstuu/o2blacRvclFJ6RIap/a4MjhFQ4lIZC";

  it.each([
    "",
    "!",
    "password123",
    "md5$salt$67a1e09bb1f83f5007dc119c14d663aa",
    "sha1$salt$ca74ec8f894b777b36a6f5ffbf54f7f6c1ae352f",
    "pbkdf2_sha512$1000$salt$AAAA",
    `!pbkdf2_sha256$1000$salt$${digest}`,
    `PBKDF2_SHA256$1000$salt$${digest}`,
    `pbkdf2_sha256$1000$$${digest}`,
    `pbkdf2_sha256$0$salt$${digest}`,
    `pbkdf2_sha256$01000$salt$${digest}`,
    `pbkdf2_sha256$-1$salt$${digest}`,
    `pbkdf2_sha256$1e3$salt$${digest}`,
    `pbkdf2_sha256$2000001$salt$${digest}`,
    `pbkdf2_sha256$99999999999999999999$salt$${digest}`,
    `pbkdf2_sha256$1000$salt$${digest}$`,
    `pbkdf2_sha256$1000$salt$${digest}\n`,
    `pbkdf2_sha1$1000$salt$${digest}`,
    "pbkdf2_sha256$1000$salt$AAAA",
    "pbkdf2_sha256$1000$salt$",
    `scrypt$16384$salt$8$1$${digest}`,
    `scrypt$1000$salt$8$1$${key}`,
    `scrypt$1$salt$8$1$${key}`,
    `scrypt$65536$salt$1$1$${key}`,
    `scrypt$262144$salt$8$1$${key}`,
    `scrypt$1048576$salt$1$1$${key}`,
    `scrypt$2$salt$9999$9999$${key}`,
    `scrypt$16384$salt$8$100$${key}`,
    `scrypt$16384$salt$0$1$${key}`,
    `scrypt$16384$salt$8$0$${key}`,
    `bcrypt_sha256$$2x$04$${bcrypted}`,
    `bcrypt_sha256$$2b$03$${bcrypted}`,
    `bcrypt_sha256$$2b$17$${bcrypted}`,
    `bcrypt_sha256$$2b$04$${bcrypted}x`,
    `bcrypt_sha256$2b$04$${bcrypted}`,
    `bcrypt_sha512$$2b$04$${bcrypted}`,
    `$2b$04$${bcrypted}`,
  ])("has none for %j", async (stored) => {
    expect(djangoPasswordCheck(stored)).toBeUndefined();
    expect(await verify(stored, ascii)).toEqual(wrong);
  });

  it.each([
    [`pbkdf2_sha256$2000000$salt$${digest}`],
    [`scrypt$131072$salt$8$1$${key}`],
    [`scrypt$32768$salt$1$1$${key}`],
    [`bcrypt_sha256$$2b$16$${bcrypted}`],
  ])("goes up to %s", (stored) => {
    expect(djangoPasswordCheck(stored)).toBeDefined();
  });

  it("derives by scrypt up to its bounds", async () => {
    expect(await verify(`scrypt$131072$salt$8$1$${key}`, ascii)).toEqual(wrong);
    expect(await verify(`scrypt$32768$salt$1$1$${key}`, ascii)).toEqual(wrong);
    expect(await verify(`scrypt$2$salt$1$9999$${key}`, ascii)).toEqual(wrong);
    expect(await verify(`scrypt$2$salt$9999$1$${key}`, ascii)).toEqual(wrong);
  });
});
