import type { GraphiQLProps } from "graphiql";

type Tab = NonNullable<GraphiQLProps["defaultTabs"]>[number];

/** Headers of a tab whose operation needs to know who is calling. */
export const SIGNED_IN_HEADERS = `{
  "Authorization": "Token {{token}}"
}`;

const register = {
  query: `# Press the play button: an account is made and signed in.
#
# Where other tabs say {{token}} and {{refreshToken}}, the
# page fills in the latest ones it was given. It forgets
# them when it is reloaded.

mutation Register($input: RegisterInput!) {
  register(input: $input) {
    user {
      id
      email
      username
    }
    token
    expiresAt
    refreshToken
    refreshTokenExpiresAt
  }
}
`,
  variables: `{
  "input": {
    "email": "ada@example.com",
    "username": "ada",
    "password": "correct horse battery"
  }
}`,
  headers: "",
};

const login = {
  query: `# Signs in with an email address or a username.

mutation Login($input: LoginInput!) {
  login(input: $input) {
    user {
      id
      email
      username
    }
    token
    expiresAt
    refreshToken
    refreshTokenExpiresAt
  }
}
`,
  variables: `{
  "input": {
    "email": "ada@example.com",
    "password": "correct horse battery"
  }
}`,
  headers: "",
};

const me = {
  query: `# Says who is calling. Register or log in first: {{token}}
# in the Authorization header below is then your token.
# To be someone else, paste another token in its place.

query Me {
  me {
    id
    email
    username
    fullName
    bio
    birthDate
    isActive
    isStaff
    createdAt
    updatedAt
  }
}
`,
  variables: "",
  headers: SIGNED_IN_HEADERS,
};

const updateUser = {
  query: `# Changes the fields that are given and leaves the others;
# null clears fullName, bio and birthDate.

mutation UpdateUser($input: UpdateUserInput!) {
  updateUser(input: $input) {
    user {
      id
      username
      fullName
      bio
      birthDate
      updatedAt
    }
  }
}
`,
  variables: `{
  "input": {
    "fullName": "Ada Lovelace",
    "bio": "Wrote the first program.",
    "birthDate": "1815-12-10"
  }
}`,
  headers: SIGNED_IN_HEADERS,
};

const sessions = {
  query: `# Where you are signed in: Register and Login opened one
# session each. The one that asks comes first.

query Sessions {
  me {
    sessions(first: 20) {
      edges {
        node {
          id
          current
          device
          ip
          createdAt
          lastUsedAt
          expiresAt
        }
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}
`,
  variables: "",
  headers: SIGNED_IN_HEADERS,
};

const revokeSession = {
  query: `# Ends one session, whose token is refused at once.
# {{sessionId}} is the last one the Sessions tab showed.

mutation RevokeSession($id: ID!) {
  revokeSession(id: $id) {
    session {
      id
      device
      revokedAt
    }
  }
}
`,
  variables: `{
  "id": "{{sessionId}}"
}`,
  headers: SIGNED_IN_HEADERS,
};

const refreshToken = {
  query: `# Trades the refresh token for a new pair of tokens; the old
# refresh token is then spent. No header is needed.

mutation RefreshToken($refreshToken: JWT!) {
  refreshToken(refreshToken: $refreshToken) {
    token
    expiresAt
    refreshToken
    refreshTokenExpiresAt
  }
}
`,
  variables: `{
  "refreshToken": "{{refreshToken}}"
}`,
  headers: "",
};

const logout = {
  query: `# Ends this session (CURRENT), every other one (OTHERS) or
# all of them (ALL). Try Me afterwards: the token is refused.

mutation Logout($scope: LogoutScope!) {
  logout(scope: $scope) {
    revokedSessions
  }
}
`,
  variables: `{
  "scope": "CURRENT"
}`,
  headers: SIGNED_IN_HEADERS,
};

/** The tabs the page opens with, in the order a newcomer runs them; each is named after its operation. */
export const EXAMPLES: [Tab, ...Tab[]] = [
  register,
  login,
  me,
  updateUser,
  sessions,
  revokeSession,
  refreshToken,
  logout,
];
