import { Field, ID, ObjectType, registerEnumType } from "type-graphql";
import { PageInfo } from "../graphql/paging.ts";
import { DateTimeScalar } from "../graphql/scalars.ts";
import { accountEvents } from "./event-type.ts";
import type { EventActor, EventOutcome, EventType } from "./event-type.ts";

const names = Object.keys(accountEvents) as (keyof typeof accountEvents)[];
const TypeEnum = Object.fromEntries(names.map((name) => [name, name]));
registerEnumType(TypeEnum, {
  name: "SecurityEventType",
  description: "What happened to an account. The words in capitals are what `cause` may say.",
  valuesConfig: Object.fromEntries(names.map((name) => [name, { description: accountEvents[name] }])),
});

const OutcomeEnum = { SUCCESS: "success", FAILURE: "failure" } as const;
registerEnumType(OutcomeEnum, {
  name: "SecurityEventOutcome",
  description: "Whether what was tried was done.",
  valuesConfig: {
    SUCCESS: { description: "What was tried was done." },
    FAILURE: { description: "What was tried was refused." },
  },
});

const ActorEnum = { USER: "user", OPERATOR: "operator", SYSTEM: "system" } as const;
registerEnumType(ActorEnum, {
  name: "SecurityEventActor",
  description: "Who did what happened.",
  valuesConfig: {
    USER: { description: "The user, or somebody who passes for them." },
    OPERATOR: { description: "Somebody who runs this service." },
    SYSTEM: { description: "The service by itself." },
  },
});

@ObjectType("SecurityEvent", {
  description: "Something that happened to the account. Nothing changes it afterwards.",
  simpleResolvers: true,
})
export class SecurityEventType {
  @Field(() => ID, {
    description:
      "Never changes, and no other object has it, of whatever type: `security_event_` and 32 hex digits.",
  })
  id!: string;

  @Field(() => TypeEnum, { description: "What happened to the account." })
  type!: EventType;

  @Field(() => OutcomeEnum, { description: "Whether what was tried was done." })
  outcome!: EventOutcome;

  @Field(() => String, {
    nullable: true,
    description: "Why, where the type has several reasons: a word that the type's description has.",
  })
  cause!: string | null;

  @Field(() => ActorEnum, { description: "Who did what happened." })
  actor!: EventActor;

  @Field(() => DateTimeScalar, { description: "When it happened." })
  occurredAt!: Date;

  @Field(() => ID, {
    nullable: true,
    description: "The session that it happened to, or that did it; it may be gone by now.",
  })
  sessionId!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The address that it came from; null where nobody asked by the API.",
  })
  ip!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "What the device said of itself: at most 512 characters that anybody can make up.",
  })
  userAgent!: string | null;
}

@ObjectType({ description: "A security event in a list, with its place in it.", simpleResolvers: true })
export class SecurityEventEdge {
  @Field(() => String, { description: "The place in the list, for `after`." })
  cursor!: string;

  @Field(() => SecurityEventType, { description: "The event itself." })
  node!: SecurityEventType;
}

@ObjectType({ description: "A page of security events (Relay).", simpleResolvers: true })
export class SecurityEventConnection {
  @Field(() => [SecurityEventEdge], { description: "The events, each with its cursor." })
  edges!: SecurityEventEdge[];

  @Field(() => PageInfo, { description: "Whether there is more, and where to go on." })
  pageInfo!: PageInfo;
}
