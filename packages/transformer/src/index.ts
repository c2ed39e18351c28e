export * from './files/index'
