import { buildSubgraphSchema } from "@apollo/subgraph";
import { ApolloServer } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { startStandaloneServer } from "@apollo/server/standalone";
import { parse } from "graphql";

/** A service of somebody else's, who knows no more of a user than the id. */
export const postsTypeDefs = parse(`
  extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])

  type Query { posts: [Post!]! }
  type Post @key(fields: "id") { id: ID! title: String! author: User }
  type User @key(fields: "id") { id: ID! posts: [Post!]! }
`);

export interface PostsSubgraph {
  url: string;
  posts: { id: string; title: string; authorId: string }[];
  close(): Promise<void>;
}

type Post = PostsSubgraph["posts"][number];

export async function startPostsSubgraph(): Promise<PostsSubgraph> {
  const posts: Post[] = [];
  const author = ({ authorId }: Post) => ({ __typename: "User", id: authorId });
  const schema = buildSubgraphSchema([
    {
      typeDefs: postsTypeDefs,
      resolvers: {
        Query: { posts: () => posts },
        Post: { author },
        User: { posts: ({ id }: { id: string }) => posts.filter(({ authorId }) => authorId === id) },
      },
    },
  ]);
  const server = new ApolloServer({
    schema,
    stopOnTerminationSignals: false,
    plugins: [ApolloServerPluginInlineTraceDisabled()],
  });
  const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
  return { url, posts, close: () => server.stop() };
}
