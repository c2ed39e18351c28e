export * from './config/index'
export * from './files/index'
