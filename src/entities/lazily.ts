type Makers<C> = Readonly<Record<string, (context: C) => unknown>>;
type Made<M extends Makers<never>> = { [K in keyof M]: ReturnType<M[K]> };

/**
 * An object whose members are made when they are first asked for, and kept. A login uses ten of some sixty adapters,
 * an open database two thirds of them never, and each transaction has adapters of its own. To whoever spreads it or
 * lists its keys all are there.
 */
export function lazily<C, M extends Makers<C>>(makers: M, context: C): Made<M> {
  const names = Object.keys(makers);
  const knows = (name: string | symbol): name is keyof M & string => Object.hasOwn(makers, name);
  const get = (made: object, name: string | symbol): unknown => {
    if (!Object.hasOwn(made, name) && knows(name)) Reflect.set(made, name, makers[name]?.(context));
    return Reflect.get(made, name);
  };

  const members: object = new Proxy(
    {},
    {
      get,
      has: (made, name) => knows(name) || Reflect.has(made, name),
      ownKeys: (made) => [...new Set([...names, ...Reflect.ownKeys(made)])],
      getOwnPropertyDescriptor(made, name) {
        if (knows(name)) get(made, name);
        return Reflect.getOwnPropertyDescriptor(made, name);
      },
    },
  );
  return members as Made<M>;
}
