/**
 * What a refresh token may do, by its generation:
 * - `present`: it is exchanged for the next generation.
 * - `repeated`: it was exchanged within REFRESH_GRACE, so it gets the present pair again.
 * - `unanswered`: it was exchanged longer ago, but no token of that answer has been used. It gets a new generation, which
 *   supersedes the unused one.
 * - `reused`: it is superseded, or it was exchanged longer ago for tokens that have been used. It ends the session.
 */
export type GenerationState = "present" | "repeated" | "unanswered" | "reused";

const generation = "cast(:generation as int)";
const graceStart = "now() - make_interval(secs => :refreshGrace)";

/** Whether a token of `:generation` was exchanged for the present pair: every generation in between is superseded. */
const isPredecessor = `s.superseded_generations @> int4range(${generation} + 1, s.refresh_generation)`;

/** The GenerationState of a token of `:generation` and a session `s`, in SQL. */
export const generationState = `
  case
    when ${generation} = s.refresh_generation then 'present'
    when ${generation} > s.refresh_generation or s.superseded_generations @> ${generation} then 'reused'
    when ${isPredecessor} then case
      when s.rotated_at > ${graceStart} then 'repeated'
      when s.used_generation = s.refresh_generation then 'reused'
      else 'unanswered'
    end
    when s.rotated_at > ${graceStart}
      and to_timestamp(cast(s.spent_generations ->> cast(${generation} as text) as float8)) > ${graceStart} then 'repeated'
    else 'reused'
  end`;

/**
 * Superseded generations that are remembered: their access tokens expire long before so many others follow. A token whose
 * answer was lost more often counts as reused.
 */
const mostSuperseded = 1_000;

/** Generations that can be repeated at a time. */
const mostSpent = 100;

/** The generation that was exchanged for the present one of a session `s`. */
const predecessor = `
  coalesce(
    (select lower(range) - 1 from unnest(s.superseded_generations) range where range @> (s.refresh_generation - 1)),
    s.refresh_generation - 1
  )`;

/** What a rotation by a token of `:generation` changes about a session `s`, beside its times. */
export const nextGeneration = `
  refresh_generation = s.refresh_generation + 1,
  superseded_generations =
    (s.superseded_generations + int4multirange(int4range(${generation} + 1, s.refresh_generation + 1)))
    * int4multirange(int4range(s.refresh_generation - ${mostSuperseded}, null)),
  spent_generations = coalesce((
    select jsonb_object_agg(key, value) from jsonb_each(s.spent_generations)
    where to_timestamp(cast(value as float8)) > ${graceStart} and cast(key as int) > s.refresh_generation - ${mostSpent}
  ), '{}') || jsonb_build_object(cast(${predecessor} as text), extract(epoch from s.rotated_at))`;
