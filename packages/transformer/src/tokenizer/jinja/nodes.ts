/** Where in the source a node begins. */
interface Placed {
  readonly at: number
}

export interface Argument {
  readonly name: string
  readonly fallback?: Expression
}

export interface CallArguments {
  readonly args: readonly Expression[]
  readonly kwargs: readonly { readonly name: string; readonly value: Expression }[]
  /** `*list` and `**dict`. */
  readonly dynArgs?: Expression
  readonly dynKwargs?: Expression
}

export type BinaryOperator = '+' | '-' | '*' | '/' | '//' | '%' | '**'
export type CompareOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'in' | 'not in'

/** Names of Jinja2's own nodes. */
export type Expression = Placed &
  (
    | { readonly type: 'Const'; readonly value: string | bigint | number | boolean | null }
    | { readonly type: 'Name'; readonly name: string }
    | { readonly type: 'List' | 'Tuple' | 'Concat'; readonly items: readonly Expression[] }
    | { readonly type: 'Dict'; readonly items: readonly (readonly [Expression, Expression])[] }
    | { readonly type: 'Getattr'; readonly of: Expression; readonly name: string }
    | { readonly type: 'Getitem'; readonly of: Expression; readonly index: Expression }
    | { readonly type: 'Slice'; readonly parts: readonly (Expression | undefined)[] }
    | ({ readonly type: 'Call'; readonly callee: Expression } & CallArguments)
    /** `of` is left out where the filter is a block's. */
    | ({ readonly type: 'Filter'; readonly of?: Expression; readonly name: string } & CallArguments)
    | ({ readonly type: 'Test'; readonly of: Expression; readonly name: string } & CallArguments)
    | {
        readonly type: 'Binary'
        readonly operator: BinaryOperator
        readonly left: Expression
        readonly right: Expression
      }
    | { readonly type: 'And' | 'Or'; readonly left: Expression; readonly right: Expression }
    | { readonly type: 'Not' | 'Neg' | 'Pos'; readonly of: Expression }
    | {
        readonly type: 'Compare'
        readonly first: Expression
        readonly rest: readonly { readonly operator: CompareOperator; readonly value: Expression }[]
      }
    | {
        readonly type: 'CondExpr'
        readonly test: Expression
        readonly value: Expression
        readonly otherwise?: Expression
      }
  )

export type Target = Placed &
  (
    | { readonly type: 'Name'; readonly name: string }
    | { readonly type: 'NSRef'; readonly name: string; readonly attribute: string }
    | { readonly type: 'Tuple'; readonly items: readonly Target[] }
  )

export type Body = readonly Statement[]

export type Statement = Placed &
  (
    | { readonly type: 'Data'; readonly text: string }
    | { readonly type: 'Output'; readonly value: Expression }
    | { readonly type: 'Set'; readonly target: Target; readonly value: Expression }
    | { readonly type: 'SetBlock'; readonly target: Target; readonly filter?: Expression; readonly body: Body }
    | {
        readonly type: 'For'
        readonly target: Target
        readonly iterable: Expression
        readonly test?: Expression
        readonly recursive: boolean
        readonly body: Body
        readonly otherwise: Body
      }
    | {
        readonly type: 'If'
        readonly branches: readonly { readonly test: Expression; readonly body: Body }[]
        readonly otherwise: Body
      }
    | { readonly type: 'With'; readonly values: readonly (readonly [Target, Expression])[]; readonly body: Body }
    | { readonly type: 'FilterBlock'; readonly filter: Expression; readonly body: Body }
    | ({ readonly type: 'Macro'; readonly name: string } & MacroNode)
    | ({ readonly type: 'CallBlock'; readonly call: Expression & { type: 'Call' } } & MacroNode)
    | { readonly type: 'Scope'; readonly body: Body }
    | { readonly type: 'Break' | 'Continue' }
    | { readonly type: 'Unsupported'; readonly what: string }
  )

/** What a macro and the body of a call have in common. */
export interface MacroNode {
  readonly parameters: readonly Argument[]
  readonly body: Body
  /** Of the names that Jinja2 gives a macro where its body asks for them. */
  readonly uses: { readonly caller: boolean; readonly varargs: boolean; readonly kwargs: boolean }
}
